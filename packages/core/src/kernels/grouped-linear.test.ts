import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { ranKernels } from "../autograd/testing/ran-kernels.ts";
import { startEngine } from "../engine/start.ts";
import { withoutLeak } from "../engine/testing/check.ts";
import { seededTensor } from "../engine/testing/seeded.ts";
import { ContractError } from "../errors.ts";
import { groupedLinear, GROUPED_LINEAR, GROUPED_LINEAR_GRAD_WEIGHT } from "./grouped-linear.ts";

const [I, O] = [5, 7];
/** Uneven groups, empty ones first, last and in the middle; one group with all rows; more rows than a tile of the product. */
const COUNTS = [[2, 0, 3, 1], [0, 6, 0], [6], [1, 1, 2, 2], [0, 13, 4, 0]].map((counts) => ({ counts }));

const bits = (t: tf.Tensor): Int32Array => new Int32Array(Float32Array.from(t.dataSync()).buffer);

/** One product after another, on slices. */
function oneByOne(
  x: tf.Tensor,
  w: tf.Tensor,
  { counts, transposeW }: { readonly counts: readonly number[]; readonly transposeW: boolean },
): tf.Tensor {
  let start = 0;
  const parts = counts.map((count, group) => {
    const rows = tf.slice(x as tf.Tensor2D, [start, 0], [count, I]);
    start += count;
    const matrix = tf.slice(w as tf.Tensor3D, [group, 0, 0], [1, ...(w.shape.slice(1) as [number, number])]);
    return count === 0
      ? tf.zeros<tf.Rank.R2>([0, O])
      : tf.matMul<tf.Tensor2D>(rows, tf.reshape(matrix, w.shape.slice(1)), false, transposeW);
  });
  const filled = parts.filter(({ size }) => size > 0);
  return filled.length === 1 ? filled[0]! : tf.concat(filled, 0);
}

describe.each([
  ["the kernels of any engine", () => useTestEngine("cpu")],
  ["those of the wasm engine", () => startEngine({ prefer: "wasm" })],
] as const)("the grouped product by %s", (_, start) => {
  beforeAll(start);

  test.each(COUNTS)("has the bits of one product after another, and its gradients: $counts", ({ counts }) => {
    withoutLeak(() => {
      const numRows = counts.reduce((sum, count) => sum + count, 0);
      for (const transposeW of [false, true]) {
        const x = seededTensor([numRows, I], 1);
        const w = seededTensor([counts.length, ...(transposeW ? [O, I] : [I, O])], 2);
        const dy = seededTensor([numRows, O], 3);
        const [ours, plain] = [groupedLinear, oneByOne].map((product) =>
          tf.valueAndGrads((a: tf.Tensor, b: tf.Tensor) => product(a, b, { counts, transposeW }))([x, w], dy),
        );
        expect(ours!.value.shape).toEqual([numRows, O]);
        expect(bits(ours!.value)).toEqual(bits(plain!.value));
        ours!.grads.forEach((grad, i) => {
          expect(grad.shape).toEqual([x, w][i]!.shape);
          // Zeros of either sign: a sum with the padding of a slice's gradient makes -0 to 0.
          expect(bits(tf.add(grad, 0))).toEqual(bits(tf.add(plain!.grads[i]!, 0)));
        });
      }
    });
  });

  test("of no rows is empty, and all gradients are 0", () => {
    withoutLeak(() => {
      const [x, w] = [tf.zeros([0, I]), seededTensor([3, I, O], 2)];
      const product = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => groupedLinear(a, b, { counts: [0, 0, 0] });
      const { value, grads } = tf.valueAndGrads(product)([x, w]);
      expect(value.shape).toEqual([0, O]);
      expect(grads[0]!.shape).toEqual([0, I]);
      expect([...grads[1]!.dataSync()]).toEqual(new Array(3 * I * O).fill(0));
    });
  });

  test("has second derivatives", () => {
    withoutLeak(() => {
      const counts = [2, 0, 4];
      const [x, w, dx] = [seededTensor([6, I], 1), seededTensor([3, I, O], 2), seededTensor([6, I], 4)];
      // The gradient of <dL/dx, dx> by w, with L = sum(y^3): through the input gradient and through y.
      const second = (product: typeof oneByOne): tf.Tensor =>
        tf.grad((b: tf.Tensor) => {
          const slope = tf.grad((a: tf.Tensor) =>
            tf.sum(tf.pow(product(a, b, { counts, transposeW: false }), 3)),
          );
          return tf.sum(tf.mul(slope(x), dx));
        })(w);
      const [ours, plain] = [second(groupedLinear).dataSync(), second(oneByOne).dataSync()];
      ours.forEach((value, i) => {
        // Sums of products of a few terms, in another order.
        expect(Math.abs(value - plain[i]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(plain[i]!)));
      });
    });
  });
});

describe("groupedLinear", () => {
  test("runs one kernel forward, one for each gradient, and none besides", () => {
    withoutLeak(() => {
      const [x, w, dy] = [seededTensor([6, I], 1), seededTensor([3, I, O], 2), seededTensor([6, O], 3)];
      const ran = ranKernels(() => {
        tf.grads((a: tf.Tensor, b: tf.Tensor) => groupedLinear(a, b, { counts: [2, 0, 4] }))([x, w], dy);
      });
      expect(ran.filter((name) => name !== "Identity")).toEqual([
        GROUPED_LINEAR,
        GROUPED_LINEAR,
        GROUPED_LINEAR_GRAD_WEIGHT,
      ]);
    });
  });

  test.each([
    [
      "another number of matrices",
      () => groupedLinear(tf.zeros([3, 2]), tf.zeros([2, 2, 4]), { counts: [3] }),
      "groupedLinear: w (shape [2, 2, 4]) must have shape [1, 2, O], one matrix per group over the last dim of x (shape [3, 2]); use matching sizes.",
    ],
    [
      "matrices that do not fit, transposed",
      () => groupedLinear(tf.zeros([3, 2]), tf.zeros([1, 2, 4]), { counts: [3], transposeW: true }),
      "groupedLinear: w (shape [1, 2, 4]) must have shape [1, O, 2], one matrix per group over the last dim of x (shape [3, 2]); use matching sizes.",
    ],
    [
      "a count below zero",
      () => groupedLinear(tf.zeros([3, 2]), tf.zeros([2, 2, 4]), { counts: [4, -1] }),
      "groupedLinear: counts[1] (-1) must be an integer of at least 0; use the number of rows of each group.",
    ],
    [
      "counts of other rows",
      () => groupedLinear(tf.zeros([3, 2]), tf.zeros([2, 2, 4]), { counts: [3, 1] }),
      "groupedLinear: counts (sum 4) must add up to the rows of x (3); use the counts of the permutation that sorted them.",
    ],
    [
      "integers",
      () => groupedLinear(tf.zeros([3, 2], "int32"), tf.zeros([1, 2, 4]), { counts: [3] }),
      'groupedLinear: x (int32) must be float32; use tf.cast(t, "float32").',
    ],
  ])("refuses %s", (_, product, text) => {
    expect(() => tf.tidy(product)).toThrow(new ContractError(text));
  });
});
