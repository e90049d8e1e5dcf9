/**
 * Numbers and tensors for tests that are the same in every run.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";

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
