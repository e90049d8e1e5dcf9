import { startEngine } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { planPermutation, type Permutation } from "./permutation.ts";
import {
  padToCapacity,
  permuteTokens,
  reorderRows,
  restoreRows,
  unpadFromCapacity,
  unpermuteTokens,
} from "./permute.ts";

const D = 3;
/** Three tokens, two choices, four experts: expert 1 gets none, pair 3 is dropped. */
const PLAN = planPermutation({
  ...{ numTokens: 3, topK: 2, numExperts: 4 },
  experts: Int32Array.of(2, 0, 0, 3, 2, 0),
  kept: Uint8Array.of(1, 1, 1, 0, 1, 1),
});

beforeAll(() => startEngine());

/** Numbers that no other position has. */
function values(shape: [number, number], seed: number): tf.Tensor2D {
  const size = shape[0] * shape[1];
  return tf.tensor2d(
    Float32Array.from({ length: size }, (_, i) => Math.sin(seed + 1.7 * i)),
    shape,
  );
}

/** `[N, T]`: 1 where a row is of a token. */
function oneHot(plan: Permutation): tf.Tensor2D {
  const hot = tf.buffer([plan.tokens.length, plan.numTokens], "float32");
  plan.tokens.forEach((token, row) => {
    hot.set(1, row, token);
  });
  return hot.toTensor() as tf.Tensor2D;
}

/** `[N, T K]`: 1 where a row is of a pair. */
function pairHot(plan: Permutation): tf.Tensor2D {
  const hot = tf.buffer([plan.pairs.length, plan.rowOf.length], "float32");
  plan.pairs.forEach((pair, row) => {
    hot.set(1, row, pair);
  });
  return hot.toTensor() as tf.Tensor2D;
}

function closeTo(found: tf.Tensor, expected: tf.Tensor): void {
  expect(found.shape).toEqual(expected.shape);
  // Sums of at most K = 3 products, and of D = 3, in another order.
  const difference = found.size === 0 ? 0 : tf.max(tf.abs(tf.sub(found, expected))).dataSync()[0]!;
  expect(difference).toBeLessThan(1e-6);
}

describe("moving tokens", () => {
  test("equals products with one-hot matrices, value and all gradients", () => {
    tf.tidy(() => {
      const x = values([3, D], 1);
      const w = values([3, 2], 2);
      const y = values([5, D], 3);
      const dy = values([5, D], 4);
      const dz = values([3, D], 5);
      const hot = oneHot(PLAN);
      closeTo(permuteTokens(x, PLAN), tf.matMul(hot, x));
      closeTo(tf.grad((t) => permuteTokens(t, PLAN))(x, dy), tf.matMul(hot, dy, true));
      const dense = (rows: tf.Tensor, weights: tf.Tensor): tf.Tensor => {
        const ofRows = tf.matMul(pairHot(PLAN), tf.reshape(weights, [6, 1]));
        return tf.matMul(hot, tf.mul(rows, ofRows), true);
      };
      closeTo(unpermuteTokens(y, w, PLAN), dense(y, w));
      const found = tf.grads((a, b) => unpermuteTokens(a, b, PLAN))([y, w], dz);
      const expected = tf.grads((a, b) => dense(a, b))([y, w], dz);
      closeTo(found[0]!, expected[0]!);
      closeTo(found[1]!, expected[1]!);
      // The weight of the dropped pair has no effect.
      expect(found[1]!.dataSync()[3]).toBe(0);
    });
  });

  test("there and back is the token times the sum of its kept weights", () => {
    const plans = fc
      .record({ numTokens: fc.integer({ min: 0, max: 7 }), topK: fc.integer({ min: 1, max: 3 }) })
      .chain(({ numTokens, topK }) => {
        const length = { minLength: numTokens * topK, maxLength: numTokens * topK };
        return fc.record({
          ...{ numTokens: fc.constant(numTokens), topK: fc.constant(topK) },
          experts: fc.array(fc.integer({ min: 0, max: 4 }), length),
          kept: fc.array(fc.integer({ min: 0, max: 1 }), length),
        });
      });
    fc.assert(
      fc.property(plans, ({ numTokens, topK, experts, kept }) => {
        const plan = planPermutation({
          ...{ numTokens, topK, numExperts: 5 },
          ...{ experts: Int32Array.from(experts), kept: Uint8Array.from(kept) },
        });
        const before = tf.memory().numTensors;
        tf.tidy(() => {
          const x = tf.tensor2d(
            Float32Array.from({ length: numTokens * D }, (_, i) => i + 1),
            [numTokens, D],
          );
          const ones = tf.ones([numTokens, topK]);
          const there = permuteTokens(x, plan);
          const back = unpermuteTokens(there, ones, plan);
          // Whole numbers: exact.
          const expected = [...x.dataSync()].map((value, at) => {
            const token = Math.floor(at / D);
            return value * kept.slice(token * topK, (token + 1) * topK).reduce((sum, one) => sum + one, 0);
          });
          expect([...back.dataSync()]).toEqual(expected);
          const gradient = tf.grad((t) => unpermuteTokens(permuteTokens(t, plan), ones, plan))(x);
          const counts = expected.map((value, at) => value / (at + 1));
          expect([...gradient.dataSync()]).toEqual(counts);
          const capacity = Math.max(1, ...plan.counts);
          const padded = padToCapacity(there, plan.counts, capacity);
          expect(padded.shape).toEqual([5, capacity, D]);
          expect([...unpadFromCapacity(padded, plan.counts).dataSync()]).toEqual([...there.dataSync()]);
          expect(tf.sum(padded).dataSync()[0]).toBe(tf.sum(there).dataSync()[0]);
        });
        expect(tf.memory().numTensors).toBe(before);
      }),
      { seed: 6, numRuns: 60 },
    );
  });

  test("to padded rows puts each expert's rows first and zeros after them, and has the inverse's gradient", () => {
    tf.tidy(() => {
      const rows = tf.tensor2d([[1], [2], [3], [4], [5]]);
      const padded = padToCapacity(rows, PLAN.counts, 3);
      expect(padded.arraySync()).toEqual([
        [[1], [2], [3]],
        [[0], [0], [0]],
        [[4], [5], [0]],
        [[0], [0], [0]],
      ]);
      const dy = tf.reshape(tf.range(0, 12), [4, 3, 1]);
      const gradient = tf.grad((t) => padToCapacity(t, PLAN.counts, 3))(rows, dy);
      expect([...gradient.dataSync()]).toEqual([0, 1, 2, 6, 7]);
      const back = tf.grad((t) => unpadFromCapacity(t, PLAN.counts))(padded, rows);
      expect([...back.dataSync()]).toEqual([1, 2, 3, 0, 0, 0, 4, 5, 0, 0, 0, 0]);
    });
  });

  test("reordered rows restore, and each is the other's gradient", () => {
    tf.tidy(() => {
      const order = { order: Int32Array.of(2, 0, 3, 1) };
      const x = tf.tensor2d([[1], [2], [3], [4]]);
      expect([...reorderRows(x, order).dataSync()]).toEqual([3, 1, 4, 2]);
      expect([...restoreRows(reorderRows(x, order), order).dataSync()]).toEqual([1, 2, 3, 4]);
      expect([
        ...tf
          .grad((t) => reorderRows(t, order))(x, x)
          .dataSync(),
      ]).toEqual([2, 4, 1, 3]);
      expect([
        ...tf
          .grad((t) => restoreRows(t, order))(x, x)
          .dataSync(),
      ]).toEqual([3, 1, 4, 2]);
    });
  });

  test("of other shapes than the plan's is an error that names both", () => {
    const x = tf.zeros([4, D]);
    expect(() => permuteTokens(x, PLAN)).toThrow(
      "permuteTokens: x (float32[4, 3]) must be float32 of shape [3, D], the rows of the plan; use tf.reshape to fold leading dims, and a plan of the same tokens.",
    );
    expect(() => unpermuteTokens(tf.zeros([5, D]), x, PLAN)).toThrow(
      "unpermuteTokens: weights (shape [4, 3]) must have shape [3, 2], tokens and choices of the plan; use the router's weights of the same tokens.",
    );
    expect(() => unpadFromCapacity(tf.zeros([3, 2, D]), PLAN.counts)).toThrow(
      "unpadFromCapacity: padded (shape [3, 2, 3]) must have shape [4, C, D]; use what padToCapacity made of the same counts.",
    );
  });
});
