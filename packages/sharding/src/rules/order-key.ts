/**
 * Integers that compare as the elements of a tensor do, so that values of every type travel and compare exactly.
 *
 * A float's bits already grow with it where it is positive, and shrink where it is negative.
 *
 * @packageDocumentation
 */
import type { NumericArray } from "@meshwright/core";

const MAGNITUDE = 0x7fffffff;
const INFINITY_BITS = 0x7f800000;

/** The 32 bits of each element: those of a float, or the integer (bool) itself. Shares the memory of 32-bit elements. */
export function bitsOf(values: NumericArray): Int32Array {
  if (values instanceof Float32Array) return new Int32Array(values.buffer, values.byteOffset, values.length);
  return values instanceof Int32Array ? values : Int32Array.from(values);
}

/** The key of a float by its bits. -0 and 0 have one key; NaN is beyond the infinities: see `isNaNBits`. */
export function floatKey(bits: number): number {
  return bits >= 0 ? bits : -(bits & MAGNITUDE);
}

/** Whether these are the bits of a NaN. */
export function isNaNBits(bits: number): boolean {
  return (bits & MAGNITUDE) > INFINITY_BITS;
}
