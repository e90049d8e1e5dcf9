/**
 * Inputs that need not be stored, as `golden/wave.py` makes them, and comparison with stored values.
 *
 * @packageDocumentation
 */
import { tensor, type Tensor } from "@tensorflow/tfjs";
import { expect } from "vitest";

/** Element `i` is `amplitude * sin(1.3 i + phase) + shift`. */
export function waveValues(
  count: number,
  options: { readonly phase: number; readonly amplitude?: number; readonly shift?: number },
): Float32Array {
  const { phase, amplitude = 1, shift = 0 } = options;
  return Float32Array.from({ length: count }, (_, i) => amplitude * Math.sin(1.3 * i + phase) + shift);
}

/** A tensor of `waveValues`. */
export function wave(shape: readonly number[], phase: number, amplitude = 1, shift = 0): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor(waveValues(count, { phase, amplitude, shift }), [...shape]);
}

/**
 * Every element lies within `relative * max|expected|`: rounding errors of a sum scale with the largest terms, so small
 * elements are measured against the tensor they are part of.
 */
export function expectClose(
  actual: Tensor | ArrayLike<number>,
  expected: readonly number[],
  options: { readonly relative: number; readonly what: string },
): void {
  const values = "dataSync" in actual ? actual.dataSync() : actual;
  expect(values.length, options.what).toBe(expected.length);
  const scale = expected.reduce((max, x) => Math.max(max, Math.abs(x)), 1e-2);
  let worst = 0;
  let worstAt = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(values[i]! - expected[i]!);
    // A NaN is the worst error.
    if (!(error <= worst)) {
      worst = error;
      worstAt = i;
    }
  }
  expect(worst / scale, `${options.what}[${worstAt}]`).toBeLessThanOrEqual(options.relative);
}
