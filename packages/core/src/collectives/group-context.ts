/**
 * What every collective of a group works with.
 *
 * @packageDocumentation
 */
import type { Communicator } from "../transport/transport.ts";
import { GroupCall, type CallFields } from "./group-call.ts";
import type { Ledger } from "./ledger.ts";

/** What a call costs, for the ledger. */
export interface CallBytes {
  readonly sent: number;
  readonly total: number;
}

/** One group on one rank. */
export class GroupContext {
  readonly name: string;
  readonly rank: number;
  readonly size: number;
  readonly communicator: Communicator;
  readonly #ledger: Ledger;
  readonly #call: GroupCall;

  constructor(
    name: string,
    parts: { readonly communicator: Communicator; readonly ledger: Ledger; readonly checked: boolean },
  ) {
    this.name = name;
    this.rank = parts.communicator.rank;
    this.size = parts.communicator.size;
    this.communicator = parts.communicator;
    this.#ledger = parts.ledger;
    this.#call = new GroupCall(name, parts.checked);
  }

  /** Announces a call and enters it into the ledger. Arguments must have been checked. */
  begin(fields: CallFields, bytes: CallBytes): void {
    this.communicator.begin(this.#call.refill(fields));
    this.#ledger.enter({
      group: this.name,
      collective: fields.collective,
      bytesSent: bytes.sent,
      bytesTotal: bytes.total,
      label: fields.label,
    });
  }

  /** How argument errors of this group start. */
  where(collective: string): string {
    return `${collective} (group "${this.name}")`;
  }
}
