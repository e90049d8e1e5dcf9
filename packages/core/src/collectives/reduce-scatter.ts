/**
 * Reduce-scatter.
 *
 * @packageDocumentation
 */
import type { NumericArray, ReduceOp } from "../transport/transport.ts";
import { checkApart, checkArray, checkCounts, equalCounts, receiverOf } from "./argument-checks.ts";
import type { GroupContext } from "./group-context.ts";
import type { CollectiveOptions } from "./process-group.ts";

/** Options of `reduceScatter`. */
export interface ReduceScatterOptions<T> extends CollectiveOptions {
  readonly op?: ReduceOp;
  readonly counts?: readonly number[];
  readonly into?: T;
}

/**
 * Reduces, then leaves piece `r` on rank `r`. Bytes sent per rank: everything but its own piece, which is S(n-1)/n where
 * the pieces are equal. `into` must not overlap `send`.
 */
export function reduceScatter<T extends NumericArray>(
  group: GroupContext,
  send: T,
  options: ReduceScatterOptions<T> = {},
): T {
  const where = group.where("reduceScatter");
  const { size, rank } = group;
  const { op = "sum", label = "" } = options;
  checkArray(where, "send", send);
  const counts = options.counts ?? equalCounts(where, send.length, { size, array: "send", name: "counts" });
  checkCounts(where, { name: "counts", values: counts }, { size, total: send.length, array: "send" });
  const into = receiverOf(where, send, counts[rank]!, options.into);
  checkApart(where, send, into);
  if (size === 1) {
    into.set(send);
    return into;
  }
  group.begin(
    { collective: "reduceScatter", label, array: send, op, length: send.length, counts },
    { sent: send.byteLength - into.byteLength, total: send.byteLength },
  );
  group.communicator.reduceScatter(send, into, counts, op);
  return into;
}
