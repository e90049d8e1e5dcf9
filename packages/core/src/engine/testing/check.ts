/**
 * What the engine's tests share: seeded numbers, comparison with float64 results, and the leak check.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { expect } from "vitest";

/** `count` numbers in `[low, high)`, the same for the same seed (mulberry32). */
export function seeded(
  count: number,
  seed: number,
  [low, high]: readonly [number, number] = [-1, 1],
): number[] {
  let state = seed | 0;
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.fround(low + (high - low) * (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32));
  });
}

/** A float32 tensor of seeded numbers. */
export function seededTensor(
  shape: readonly number[],
  seed: number,
  range: readonly [number, number] = [-1, 1],
): tf.Tensor {
  const size = shape.reduce((product, dim) => product * dim, 1);
  return tf.tensor(seeded(size, seed, range), [...shape], "float32");
}

/** Asserts the shape, and every element to `relative` of its own size plus `absolute`. */
export function expectClose(
  actual: tf.Tensor,
  expected: { readonly shape: readonly number[]; readonly values: ArrayLike<number> },
  { relative = 1e-6, absolute = 1e-6 }: { readonly relative?: number; readonly absolute?: number } = {},
): void {
  expect(actual.shape).toEqual(expected.shape);
  const values = actual.dataSync();
  expect(values).toHaveLength(expected.values.length);
  for (let i = 0; i < values.length; i++) {
    const [got, want] = [values[i]!, expected.values[i]!];
    if (Object.is(got, want) || (Number.isNaN(got) && Number.isNaN(want))) continue;
    if (!(Math.abs(got - want) <= absolute + relative * Math.abs(want))) {
      expect.fail(`element ${i}: ${got} differs from ${want} by ${Math.abs(got - want)}`);
    }
  }
}

/** Runs `body` in a tidy and asserts that no tensor, data or byte of tfjs is left behind. */
export function withoutLeak(body: () => void): void {
  const before = tf.memory();
  const dataBefore = tf.backend().numDataIds();
  tf.tidy(() => {
    body();
  });
  const after = tf.memory();
  expect({ tensors: after.numTensors, bytes: after.numBytes, data: tf.backend().numDataIds() }).toEqual({
    tensors: before.numTensors,
    bytes: before.numBytes,
    data: dataBefore,
  });
}
