/**
 * Reductions in the order of ranks, which MPI does not promise: the same bits as on threads.
 *
 * @packageDocumentation
 */
import type { NumericArray, ReduceOp } from "../transport.ts";

/**
 * Reduces the `numPieces` consecutive pieces of `pieces`, in their order, into `into`, which does not overlap them. Floats are
 * rounded after every addition; integers are added exactly, then wrap around (sum) or are divided (avg, toward zero).
 */
export function reduceInOrder(
  pieces: NumericArray,
  numPieces: number,
  into: NumericArray,
  op: ReduceOp,
): void {
  if (op === "avg" && !(pieces instanceof Float32Array)) {
    averageExactly(pieces, numPieces, into);
    return;
  }
  // Piece by piece, in loops of one operation each: an element of `into` rounds, or wraps, what is stored in it.
  const combine = op === "max" ? keepLarger : op === "min" ? keepSmaller : add;
  into.set(pieces.subarray(0, into.length));
  for (let piece = 1; piece < numPieces; piece++) combine(into, pieces, piece * into.length);
  if (op === "avg") for (let at = 0; at < into.length; at++) into[at] = into[at]! / numPieces;
}

function add(into: NumericArray, from: NumericArray, first: number): void {
  for (let at = 0; at < into.length; at++) into[at] = into[at]! + from[first + at]!;
}

function keepLarger(into: NumericArray, from: NumericArray, first: number): void {
  for (let at = 0; at < into.length; at++) into[at] = Math.max(into[at]!, from[first + at]!);
}

function keepSmaller(into: NumericArray, from: NumericArray, first: number): void {
  for (let at = 0; at < into.length; at++) into[at] = Math.min(into[at]!, from[first + at]!);
}

function averageExactly(pieces: NumericArray, numPieces: number, into: NumericArray): void {
  for (let at = 0; at < into.length; at++) {
    let sum = 0;
    for (let piece = 0; piece < numPieces; piece++) sum += pieces[at + piece * into.length]!;
    into[at] = sum / numPieces;
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
