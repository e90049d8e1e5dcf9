/**
 * All-reduce.
 *
 * @packageDocumentation
 */
import type { NumericArray, ReduceOp } from "../transport/transport.ts";
import { checkArray } from "./argument-checks.ts";
import type { GroupContext } from "./group-context.ts";
import type { CollectiveOptions } from "./process-group.ts";

/** Reduces `buffer` in place. Bytes sent per rank: 2S(n-1)/n. */
export function allReduce<T extends NumericArray>(
  group: GroupContext,
  buffer: T,
  { op = "sum", label = "" }: CollectiveOptions & { readonly op?: ReduceOp } = {},
): T {
  checkArray(group.where("allReduce"), "buffer", buffer);
  if (group.size === 1) return buffer;
  const total = buffer.byteLength;
  group.begin(
    { collective: "allReduce", label, array: buffer, op, length: buffer.length },
    { sent: (2 * total * (group.size - 1)) / group.size, total },
  );
  group.communicator.allReduce(buffer, op);
  return buffer;
}
