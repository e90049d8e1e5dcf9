/**
 * The call that a group is in, as the transport compares and reports it.
 *
 * @packageDocumentation
 */
import type { Call, NumericArray, ReduceOp } from "../transport/transport.ts";
import { dtypeName, dtypeNames } from "../transport/dtype-name.ts";
import { hashText } from "../transport/hash-text.ts";
import { callSite } from "./call-site.ts";
import { collectiveNames, type CollectiveName } from "./ledger.ts";

/** What one call says about itself. */
export interface CallFields {
  readonly collective: CollectiveName;
  readonly label: string;
  /** The array that the rank gave; absent for a barrier. */
  readonly array?: NumericArray;
  readonly op?: ReduceOp;
  readonly root?: number;
  /** Elements of the whole array, the same on all ranks; 0 where ranks may differ. */
  readonly length: number;
  /** Lengths of the pieces where they are compared across ranks. */
  readonly counts?: readonly number[];
  /** More arguments for messages, for example `from 1, tag 0`. */
  readonly details?: string;
}

const ops: readonly ReduceOp[] = ["sum", "max", "min", "avg"];

/** The call in progress of one group. One object per group, refilled at every call, because calls are frequent. */
export class GroupCall implements Call {
  readonly group: string;
  readonly describeEarly: boolean;
  collective: CollectiveName = "barrier";
  label = "";
  sequence = 0;
  signature = 0;
  length = 0;
  countsHash = 0;
  #fields: CallFields = { collective: "barrier", label: "", length: 0 };
  #numCollectives = 0;

  constructor(group: string, describeEarly: boolean) {
    this.group = group;
    this.describeEarly = describeEarly;
  }

  /** Starts the next call. */
  refill(fields: CallFields): this {
    const pointToPoint = fields.collective === "send" || fields.collective === "receive";
    this.collective = fields.collective;
    this.label = fields.label;
    this.sequence = pointToPoint ? 0 : ++this.#numCollectives;
    this.signature = signatureOf(fields);
    this.length = fields.length;
    this.countsHash = fields.counts ? hashCounts(fields.counts) : 0;
    // Checked mode also tells apart calls that move as many elements for another purpose, by what they are for.
    if (this.describeEarly && !pointToPoint) this.countsHash ^= hashText(fields.label);
    this.#fields = fields;
    return this;
  }

  describe(): string {
    const { collective, op, array, root, details, counts } = this.#fields;
    const arguments_ = [
      ...(op === undefined ? [] : [op]),
      ...(array === undefined ? [] : [`${dtypeName(array)}[${array.length}]`]),
      ...(counts === undefined || isEven(counts) ? [] : [`counts [${counts.join(", ")}]`]),
      ...(root === undefined ? [] : [`root ${root}`]),
      ...(details === undefined ? [] : [details]),
    ];
    const label = this.label === "" ? "" : ` "${this.label}"`;
    return `${collective}(${arguments_.join(", ")})${label} at ${callSite()}`;
  }
}

function signatureOf({ collective, array, op, root }: CallFields): number {
  const dtype = array === undefined ? 0 : dtypeNames.indexOf(dtypeName(array));
  const opNumber = op === undefined ? 0 : ops.indexOf(op);
  return collectiveNames.indexOf(collective) | (dtype << 3) | (opNumber << 5) | ((root ?? 0) << 8);
}

function hashCounts(counts: readonly number[]): number {
  let hash = counts.length;
  for (const count of counts) hash = (Math.imul(hash, 0x01000193) ^ count) | 0;
  return hash;
}

function isEven(counts: readonly number[]): boolean {
  return counts.every((count) => count === counts[0]);
}
