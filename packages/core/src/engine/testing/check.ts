/**
 * What the engine's tests share: comparison with float64 results, and the leak check.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { expect } from "vitest";

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
