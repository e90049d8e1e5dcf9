/**
 * Random values for a rank's region of a global tensor, equal bit for bit to the slice of the whole.
 *
 * Legend: i = flat row-major index in the global tensor; w(i) = word i of the stream of (seed, name).
 *
 * @packageDocumentation
 */
import { ContractError } from "../errors.ts";
import { philoxKey, type StreamId } from "./key.ts";
import { checkRegion, elementCount, type Region } from "./region.ts";
import { forEachWord } from "./words.ts";

/** Which stream, and which part of which tensor. */
export type FillOptions = StreamId & Region;

/**
 * Element `i` is `bound * (2 u - 1)` with `u = floor(w(i) / 2^8) / 2^24`: uniform in `[-bound, bound)`.
 *
 * @param out - the local elements, `localShape` row-major
 * @throws ContractError if `out` has another length than `localShape`, or if the region leaves the tensor.
 */
export function fillUniform(out: Float32Array, options: FillOptions & { readonly bound: number }): void {
  checkFill("fillUniform", out, options);
  const { bound } = options;
  forEachWord(options, philoxKey(options), (words, lane, start, length) => {
    for (let i = 0; i < length; i++) {
      out[start + i] = ((words[lane + i]! >>> 8) * 2 ** -23 - 1) * bound;
    }
  });
}

/**
 * Box-Muller on pairs: elements `i = 2j` and `2j + 1` are `std * r cos(a)` and `std * r sin(a)`, with
 * `r = sqrt(-2 ln((w(2j) + 1) / 2^32))` and `a = 2 pi w(2j + 1) / 2^32`, in float64, then rounded to float32.
 *
 * A pair is computed whole even where the region holds only one half of it, so that half has the same bits. The largest
 * magnitude is `6.67 std`. `Math.log`, `cos` and `sin` are the same portable code in every V8, so the values are too.
 *
 * @param out - the local elements, `localShape` row-major
 * @throws ContractError if `out` has another length than `localShape`, or if the region leaves the tensor.
 * @see Box and Muller 1958, "A note on the generation of random normal deviates", https://doi.org/10.1214/aoms/1177706645
 */
export function fillNormal(out: Float32Array, options: FillOptions & { readonly std: number }): void {
  checkFill("fillNormal", out, options);
  const { std } = options;
  forEachWord(options, philoxKey(options), (words, lane, start, length) => {
    for (let at = lane & ~1; at < lane + length; at += 2) {
      const radius = std * Math.sqrt(-2 * Math.log((words[at]! + 1) * 2 ** -32));
      const angle = words[at + 1]! * (2 * Math.PI * 2 ** -32);
      const local = start + at - lane;
      if (at >= lane) out[local] = radius * Math.cos(angle);
      if (at + 1 < lane + length) out[local + 1] = radius * Math.sin(angle);
    }
  });
}

function checkFill(where: string, out: Float32Array, region: Region): void {
  checkRegion(where, region);
  const expected = elementCount(region.localShape);
  if (out.length !== expected) {
    throw new ContractError(
      `${where}: out (${out.length} elements) must hold localShape ([${region.localShape.join(", ")}], ${expected} elements); use new Float32Array(${expected}).`,
    );
  }
}
