import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { causalSoftmax } from "./causal-softmax.ts";

beforeAll(() => useTestEngine("cpu"));

/** Softmax with -1e9 added where a position must not see, by plain tfjs operations. */
function masked(x: tf.Tensor, scale: number): tf.Tensor {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const bias = Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => (j <= i + columns - rows ? 0 : -1e9)),
  );
  return tf.softmax(tf.add(tf.mul(x, scale), tf.tensor2d(bias, [rows, columns])));
}

describe("causalSoftmax", () => {
  test("equals a masked softmax, value and gradient, for any sizes", () => {
    const sizes = fc.record({ batch: fc.integer({ min: 1, max: 3 }), rows: fc.integer({ min: 1, max: 5 }) });
    const property = fc.property(
      sizes,
      fc.nat({ max: 4 }),
      fc.double({ min: -2, max: 2 }),
      (size, more, scale) => {
        tf.tidy(() => {
          const shape = [2, size.batch, size.rows, size.rows + more];
          const x = tf.randomUniform(shape, -4, 4, "float32", 7);
          const dy = tf.randomUniform(shape, -1, 1, "float32", 8);
          const ours = tf.valueAndGrad((t: tf.Tensor) => causalSoftmax(t, { scale }))(x, dy);
          const plain = tf.valueAndGrad((t: tf.Tensor) => masked(t, scale))(x, dy);
          // Values at most 1, and the plain form rounds every step to float32.
          for (const part of ["value", "grad"] as const) {
            expect(tf.max(tf.abs(tf.sub(ours[part], plain[part]))).dataSync()[0]).toBeLessThan(2e-6);
          }
        });
      },
    );
    fc.assert(property, { numRuns: 50, seed: 1 });
  });

  test("is exactly zero in hidden columns and does not look at them", () => {
    const x = tf.tensor2d([0, NaN, Infinity, 1, 1, NaN], [2, 3]);
    const y = causalSoftmax(tf.slice(x, [0, 0], [2, 3]), { scale: 1 });
    expect([...y.dataSync()]).toEqual([NaN, NaN, 0, NaN, NaN, NaN]);
    const square = causalSoftmax(tf.tensor2d([5, NaN, 3, 3], [2, 2]), { scale: 1 });
    expect([...square.dataSync()]).toEqual([1, 0, 0.5, 0.5]);
  });

  test("does not overflow", () => {
    const y = causalSoftmax(tf.tensor2d([0, 0, 300, 300], [2, 2]), { scale: 4 });
    expect([...y.dataSync()]).toEqual([1, 0, 0.5, 0.5]);
  });

  test("refuses more rows than columns", () => {
    expect(() => causalSoftmax(tf.zeros([3, 2]), { scale: 1 })).toThrow(
      new ContractError(
        "causalSoftmax: x (shape [3, 2]) must have shape [..., T, S] with S >= T; use one row per query and one column per key.",
      ),
    );
    expect(() => causalSoftmax(tf.zeros([3]), { scale: 1 })).toThrow("must have shape [..., T, S]");
  });
});
