/**
 * All-gather.
 *
 * @packageDocumentation
 */
import { ContractError } from "../errors.ts";
import type { NumericArray } from "../transport/transport.ts";
import { checkApart, checkArray, checkCounts, receiverOf, sumOf } from "./argument-checks.ts";
import type { GroupContext } from "./group-context.ts";
import type { CollectiveOptions } from "./process-group.ts";

/** Options of `allGather`. */
export interface AllGatherOptions<T> extends CollectiveOptions {
  readonly counts?: readonly number[];
  readonly into?: T;
}

/**
 * Concatenates every rank's `send`. Bytes sent per rank: its own piece to each of the n-1 others, which is S(n-1)/n
 * where the pieces are equal.
 *
 * `send` may be this rank's own place in `into`, and must not overlap it otherwise.
 */
export function allGather<T extends NumericArray>(
  group: GroupContext,
  send: T,
  options: AllGatherOptions<T> = {},
): T {
  const where = group.where("allGather");
  checkArray(where, "send", send);
  const counts = options.counts ?? new Array<number>(group.size).fill(send.length);
  const length = sumOf(counts);
  checkCounts(where, { name: "counts", values: counts }, { size: group.size, total: length, array: "into" });
  if (counts[group.rank] !== send.length) {
    throw new ContractError(
      `${where}: send (${send.length} elements) must have the length counts[${group.rank}] (${counts[group.rank]!}) of this rank; use the same counts on every rank.`,
    );
  }
  const into = receiverOf(where, send, length, options.into);
  const ownOffset = into.byteOffset + sumOf(counts.slice(0, group.rank)) * send.BYTES_PER_ELEMENT;
  if (send.buffer !== into.buffer || send.byteOffset !== ownOffset) checkApart(where, send, into);
  if (group.size === 1) {
    into.set(send);
    return into;
  }
  group.begin(
    { collective: "allGather", label: options.label ?? "", array: send, length, counts },
    { sent: send.byteLength * (group.size - 1), total: into.byteLength },
  );
  group.communicator.allGather(send, into, counts);
  return into;
}
