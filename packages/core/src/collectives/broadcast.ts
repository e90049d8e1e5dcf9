/**
 * Broadcast.
 *
 * @packageDocumentation
 */
import type { NumericArray } from "../transport/transport.ts";
import { checkArray, checkPosition } from "./argument-checks.ts";
import type { GroupContext } from "./group-context.ts";
import type { CollectiveOptions } from "./process-group.ts";

/** Overwrites `buffer` with the root's. Bytes sent: S(n-1) by the root, nothing by the others. */
export function broadcast<T extends NumericArray>(
  group: GroupContext,
  buffer: T,
  { root = 0, label = "" }: CollectiveOptions & { readonly root?: number } = {},
): T {
  const where = group.where("broadcast");
  checkArray(where, "buffer", buffer);
  checkPosition(where, "root", root, group.size);
  if (group.size === 1) return buffer;
  const total = buffer.byteLength;
  group.begin(
    { collective: "broadcast", label, array: buffer, root, length: buffer.length },
    { sent: group.rank === root ? total * (group.size - 1) : 0, total },
  );
  group.communicator.broadcast(buffer, root);
  return buffer;
}
