/**
 * Reductions in the order of ranks, which MPI does not promise: the same bits as on threads.
 *
 * @packageDocumentation
 */
import type { NumericArray, ReduceOp } from "../transport.ts";

/**
 * Reduces the `numPieces` consecutive pieces of `pieces`, in their order, into `into`. Floats are rounded after every
 * addition; integers are added exactly, then wrap around (sum) or are divided (avg, toward zero).
 */
export function reduceInOrder(
  pieces: NumericArray,
  numPieces: number,
  into: NumericArray,
  op: ReduceOp,
): void {
  const length = into.length;
  const round = pieces instanceof Float32Array ? Math.fround : (value: number): number => value;
  for (let at = 0; at < length; at++) {
    let value = pieces[at]!;
    for (let next = at + length; next < numPieces * length; next += length) {
      const other = pieces[next]!;
      if (op === "max") value = Math.max(value, other);
      else if (op === "min") value = Math.min(value, other);
      else value = round(value + other);
    }
    into[at] = op === "avg" ? value / numPieces : value;
  }
}

/** How `length` elements are divided among `size` ranks: the first ones have one more where it does not come out even. */
export function evenCounts(length: number, size: number): readonly number[] {
  const base = Math.floor(length / size);
  return Array.from({ length: size }, (_, rank) => base + (rank < length % size ? 1 : 0));
}

/** Start of every piece. */
export function offsetsOf(counts: readonly number[]): Int32Array {
  const offsets = new Int32Array(counts.length);
  for (let rank = 1; rank < counts.length; rank++) offsets[rank] = offsets[rank - 1]! + counts[rank - 1]!;
  return offsets;
}
