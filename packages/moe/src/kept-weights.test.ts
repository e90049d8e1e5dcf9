import { startEngine } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { keptWeights } from "./kept-weights.ts";

beforeAll(() => startEngine());

/** The first token keeps one of two choices, the second none, the third both. */
const WEIGHTS = [0.5, 0.25, 0.75, 0.125, 0.25, 0.5];
const KEPT = Uint8Array.of(1, 0, 0, 0, 1, 1);
/** Gradient that comes back. */
const DY = [1, 2, 3, 4, 5, 6];

describe("the weights of kept choices", () => {
  test.each([
    [false, [0.5, 0, 0, 0, 0.25, 0.5], [1, 0, 0, 0, 5, 6]],
    // The first token's remaining weight is the sum of both, so both have its gradient.
    [true, [0.75, 0, 0, 0, 0.25, 0.5], [1, 1, 0, 0, 5, 6]],
  ])(
    "with renormalize %s are what the formula says, and so are their gradients",
    (renormalize, value, dx) => {
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        const weights = tf.tensor2d(WEIGHTS, [3, 2]);
        const found = [...keptWeights(weights, KEPT, { renormalize }).dataSync()];
        const gradient = tf.grad((w) => keptWeights(w, KEPT, { renormalize }))(
          weights,
          tf.tensor2d(DY, [3, 2]),
        );
        // A quotient, and gradients as large as 6 that cancel.
        found.forEach((one, i) => {
          expect(Math.abs(one - value[i]!)).toBeLessThan(1e-6);
        });
        [...gradient.dataSync()].forEach((one, i) => {
          expect(Math.abs(one - dx[i]!)).toBeLessThan(5e-6);
        });
      });
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  test("of no tokens are none", () => {
    tf.tidy(() => {
      const none = keptWeights(tf.zeros([0, 2]), new Uint8Array(0), { renormalize: true });
      expect(none.shape).toEqual([0, 2]);
    });
  });

  test("need a mark for each", () => {
    const weights = tf.tensor2d(WEIGHTS, [3, 2]);
    expect(() => keptWeights(weights, Uint8Array.of(1, 0))).toThrow(
      "keptWeights: kept (length 2) must say of every weight (shape [3, 2]) whether it is kept; use keepWithinCapacity of the same choices.",
    );
    weights.dispose();
  });
});
