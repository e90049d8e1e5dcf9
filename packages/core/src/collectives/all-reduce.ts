/**
 * All-reduce.
 *
 * @packageDocumentation
 */
import type { NumericArray, ReduceOp } from "../transport/transport.ts";
import { checkApart, checkArray, receiverOf } from "./argument-checks.ts";
import type { GroupContext } from "./group-context.ts";
import type { CollectiveOptions } from "./process-group.ts";

/** Options of `allReduce`. */
export interface AllReduceOptions<T> extends CollectiveOptions {
  readonly op?: ReduceOp;
  readonly into?: T;
}

/**
 * Reduces `buffer` in place, or into `options.into`, which must be `buffer` itself or not overlap it. Bytes sent per
 * rank: 2S(n-1)/n.
 */
export function allReduce<T extends NumericArray>(
  group: GroupContext,
  buffer: T,
  { op = "sum", label = "", into = buffer }: AllReduceOptions<T> = {},
): T {
  const where = group.where("allReduce");
  checkArray(where, "buffer", buffer);
  if (into !== buffer) {
    receiverOf(where, buffer, buffer.length, into);
    checkApart(where, buffer, into);
  }
  if (group.size === 1) {
    if (into !== buffer) into.set(buffer);
    return into;
  }
  const total = buffer.byteLength;
  group.begin(
    { collective: "allReduce", label, array: buffer, op, length: buffer.length },
    { sent: (2 * total * (group.size - 1)) / group.size, total },
  );
  group.communicator.allReduce(buffer, into, op);
  return into;
}
