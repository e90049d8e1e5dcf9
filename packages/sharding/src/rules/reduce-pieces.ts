/**
 * Element-by-element reduction of arrays in rank order, rounded as the transports round.
 *
 * @packageDocumentation
 */
import type { NumericArray, ReduceOp } from "@meshwright/core";

/** A new array of the type of `array`. */
export function newLike<T extends NumericArray>(array: T, length: number): T {
  return new (array.constructor as new (length: number) => T)(length);
}

/** Writes the reduction of `pieces`, which all have the length of `out` and none of which is `out`. */
export function reducePieces(pieces: readonly NumericArray[], op: ReduceOp, out: NumericArray): void {
  const isFloat = out instanceof Float32Array;
  const round = isFloat ? Math.fround : (value: number): number => value;
  const combine = COMBINE[op];
  for (let i = 0; i < out.length; i++) {
    let value = pieces[0]![i]!;
    for (let rank = 1; rank < pieces.length; rank++) value = round(combine(value, pieces[rank]![i]!));
    // Storing wraps an integer sum; its average is of the exact sum.
    if (op === "avg") value = isFloat ? value / pieces.length : Math.trunc(value / pieces.length);
    out[i] = value;
  }
}

const sum = (a: number, b: number): number => a + b;

const COMBINE: Readonly<Record<ReduceOp, (a: number, b: number) => number>> = {
  sum,
  avg: sum,
  max: Math.max,
  min: Math.min,
};
