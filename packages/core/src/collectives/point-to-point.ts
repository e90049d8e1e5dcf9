/**
 * Send and receive.
 *
 * @packageDocumentation
 */
import { ContractError } from "../errors.ts";
import type { NumericArray } from "../transport/transport.ts";
import { checkArray, checkPosition } from "./argument-checks.ts";
import type { GroupContext } from "./group-context.ts";
import type { CollectiveOptions } from "./process-group.ts";

/** Largest tag. */
const MAX_TAG = 0x7fffffff;

/** Options of `send` and `receive`. */
export interface PointToPointOptions extends CollectiveOptions {
  readonly tag?: number;
}

/** Sends a message to position `to`. Bytes sent: the message. */
export function send(
  group: GroupContext,
  buffer: NumericArray,
  to: number,
  { tag = 0, label = "" }: PointToPointOptions = {},
): void {
  const where = group.where("send");
  checkArray(where, "buffer", buffer);
  checkPartner(where, "to", to, group);
  checkTag(where, tag);
  const total = buffer.byteLength;
  group.begin(
    { collective: "send", label, array: buffer, length: 0, details: `to ${to}, tag ${tag}` },
    { sent: total, total },
  );
  group.communicator.send(buffer, to, tag);
}

/** Fills `buffer` with the next message from position `from` with this tag. Bytes sent: none. */
export function receive<T extends NumericArray>(
  group: GroupContext,
  buffer: T,
  from: number,
  { tag = 0, label = "" }: PointToPointOptions = {},
): T {
  const where = group.where("receive");
  checkArray(where, "buffer", buffer);
  checkPartner(where, "from", from, group);
  checkTag(where, tag);
  group.begin(
    { collective: "receive", label, array: buffer, length: 0, details: `from ${from}, tag ${tag}` },
    { sent: 0, total: buffer.byteLength },
  );
  group.communicator.receive(buffer, from, tag);
  return buffer;
}

function checkPartner(where: string, what: string, position: number, group: GroupContext): void {
  checkPosition(where, what, position, group.size);
  if (position === group.rank) {
    throw new ContractError(
      `${where}: ${what} (${position}) must be another rank than this one (${group.rank}); use the array itself.`,
    );
  }
}

function checkTag(where: string, tag: number): void {
  if (Number.isInteger(tag) && tag >= 0 && tag <= MAX_TAG) return;
  throw new ContractError(
    `${where}: tag (${tag}) must be an integer from 0 to ${MAX_TAG}; use small numbers.`,
  );
}
