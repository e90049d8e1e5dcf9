import { startEngine } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { groupedLinear } from "./grouped-linear.ts";

const [EXPERTS, D, F] = [4, 3, 5];

beforeAll(() => startEngine());

function values(shape: number[], seed: number): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(seed + 1.7 * i)),
    shape,
  );
}

function largest(a: tf.Tensor, b: tf.Tensor): number {
  expect(a.shape).toEqual(b.shape);
  return a.size === 0 ? 0 : tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;
}

/** All experts on all rows, each row masked to its own. */
function dense(x: tf.Tensor, w: tf.Tensor, counts: readonly number[]): tf.Tensor {
  const owner = counts.flatMap((count, expert) => new Array<number>(count).fill(expert));
  return tf.addN(
    counts.map((_, expert) => {
      const matrix = tf.reshape(tf.slice(w, [expert, 0, 0], [1, D, F]), [D, F]);
      const mask = tf.tensor2d(
        owner.map((own) => (own === expert ? 1 : 0)),
        [owner.length, 1],
      );
      return tf.mul(tf.matMul(x, matrix), mask);
    }),
  );
}

describe("the grouped product", () => {
  test.each([[[2, 0, 3, 1]], [[0, 6, 0, 0]], [[1, 1, 2, 2]]])(
    "of %o rows is each row times its expert's matrix, with the gradients of that",
    (counts) => {
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        const [x, w, dy] = [values([6, D], 1), values([EXPERTS, D, F], 2), values([6, F], 3)];
        // Sums of at most 6 products in another order.
        expect(largest(groupedLinear(x, w, Int32Array.from(counts)), dense(x, w, counts))).toBeLessThan(1e-6);
        const found = tf.grads((a, b) => groupedLinear(a, b, Int32Array.from(counts)))([x, w], dy);
        const expected = tf.grads((a, b) => dense(a, b, counts))([x, w], dy);
        expect(largest(found[0]!, expected[0]!)).toBeLessThan(1e-6);
        expect(largest(found[1]!, expected[1]!)).toBeLessThan(2e-6);
        counts.forEach((count, expert) => {
          const gradient = tf.slice(found[1]!, [expert, 0, 0], [1, D, F]).dataSync();
          expect(gradient.every((value) => value === 0)).toBe(count === 0);
        });
      });
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  test("of no rows at all has gradient 0 for every expert", () => {
    tf.tidy(() => {
      const [x, w] = [tf.zeros([0, D]), values([EXPERTS, D, F], 2)];
      const counts = new Int32Array(EXPERTS);
      expect(groupedLinear(x, w, counts).shape).toEqual([0, F]);
      const [dx, dw] = tf.grads((a, b) => groupedLinear(a, b, counts))([x, w], tf.zeros([0, F]));
      expect(dx!.shape).toEqual([0, D]);
      expect(dw!.dataSync().every((value) => value === 0)).toBe(true);
    });
  });

  test("of sizes that do not fit is an error that names both", () => {
    const [x, w] = [tf.zeros([6, D]), tf.zeros([EXPERTS, D, F])];
    expect(() => groupedLinear(x, w, Int32Array.of(1, 2))).toThrow(
      "groupedLinear: w (shape [4, 3, 5]) must have shape [2, 3, O], one matrix per group over the last dim of x (shape [6, 3]); use matching sizes.",
    );
    expect(() => groupedLinear(x, w, Int32Array.of(1, 2, 0, 4))).toThrow(
      "groupedLinear: counts (sum 7) must add up to the rows of x (6); use the counts of the permutation that sorted them.",
    );
    tf.dispose([x, w]);
  });
});
