/**
 * Short texts of all ranks of a group.
 *
 * @packageDocumentation
 */
import type { MpiHandle } from "./abi.ts";
import type { Mpi } from "./mpi.ts";

/** Every rank's text, cut off at `numBytes - 1` bytes of UTF-8. All members call it, with the same `numBytes`. */
export function gatherTexts(
  mpi: Mpi,
  group: { readonly communicator: MpiHandle; readonly size: number },
  text: string,
  numBytes: number,
): readonly string[] {
  const own = new Uint8Array(numBytes);
  new TextEncoder().encodeInto(text, own.subarray(0, numBytes - 1));
  const all = new Uint8Array(numBytes * group.size);
  const type = mpi.abi.uint8;
  mpi.check(
    "MPI_Allgather",
    mpi.functions.allgather(own, numBytes, type, all, numBytes, type, group.communicator),
  );
  return Array.from({ length: group.size }, (_, rank) => {
    const part = Buffer.from(all.buffer, rank * numBytes, numBytes);
    return part.toString("utf8", 0, part.indexOf(0));
  });
}
