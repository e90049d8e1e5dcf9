import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { vjp } from "../autograd/vjp.ts";
import { ContractError } from "../errors.ts";
import { startEngine } from "../engine/start.ts";
import { withoutLeak } from "../engine/testing/check.ts";
import { seededTensor } from "../engine/testing/seeded.ts";
import { linear, LINEAR, LINEAR_GRAD_WEIGHT } from "./linear.ts";
import { ranKernels } from "../autograd/testing/ran-kernels.ts";

const [I, O] = [5, 7];
/** No leading dim, one, two, three, one row. (tfjs' own product has no gradient without rows.) */
const LEADING = [[], [3], [2, 3], [4, 1, 2], [1, 1]].map((leading) => ({ leading }));

const bits = (t: tf.Tensor): Int32Array => new Int32Array(Float32Array.from(t.dataSync()).buffer);

/** What the kernels replace: fold by a reshape, multiply, unfold. */
function folded(x: tf.Tensor, w: tf.Tensor, transposeW: boolean): tf.Tensor {
  const rows = tf.reshape<tf.Rank.R2>(x, [-1, I]);
  return tf.reshape(tf.matMul(rows, w, false, transposeW), [...x.shape.slice(0, -1), O]);
}

/** The kernels that ran during `body`, without clones of gradients, which are no work. */
const workOf = (body: () => void): string[] => ranKernels(body).filter((name) => name !== "Identity");

describe.each([
  ["the kernels of any engine", () => useTestEngine("cpu")],
  ["those of the wasm engine", () => startEngine({ prefer: "wasm" })],
] as const)("linear by %s", (_, start) => {
  beforeAll(start);

  test.each(LEADING)(
    "has the bits of a folded product and its gradients, leading dims $leading",
    ({ leading }) => {
      withoutLeak(() => {
        for (const transposeW of [false, true]) {
          const x = seededTensor([...leading, I], 1);
          const w = seededTensor(transposeW ? [O, I] : [I, O], 2);
          const dy = seededTensor([...leading, O], 3);
          const ours = tf.valueAndGrads((a: tf.Tensor, b: tf.Tensor) => linear(a, b, { transposeW }))(
            [x, w],
            dy,
          );
          const plain = tf.valueAndGrads((a: tf.Tensor, b: tf.Tensor) => folded(a, b, transposeW))(
            [x, w],
            dy,
          );
          expect(ours.value.shape).toEqual([...leading, O]);
          expect(ours.grads.map(({ shape }) => shape)).toEqual([x.shape, w.shape]);
          expect(bits(ours.value)).toEqual(bits(plain.value));
          ours.grads.forEach((grad, i) => {
            expect(bits(grad)).toEqual(bits(plain.grads[i]!));
          });
        }
      });
    },
  );

  test("gives zeros for the weight where there are no rows", () => {
    withoutLeak(() => {
      const [x, w] = [tf.zeros([0, 2, I]), seededTensor([I, O], 2)];
      const { value, grads } = tf.valueAndGrads((a: tf.Tensor, b: tf.Tensor) => linear(a, b))([x, w]);
      expect(value.shape).toEqual([0, 2, O]);
      expect(grads[0]!.shape).toEqual([0, 2, I]);
      expect([...grads[1]!.dataSync()]).toEqual(new Array(I * O).fill(0));
    });
  });

  test("has second derivatives", () => {
    withoutLeak(() => {
      const [x, w, dx] = [seededTensor([2, 3, I], 1), seededTensor([I, O], 2), seededTensor([2, 3, I], 4)];
      // The gradient of <dL/dx, dx> by w, with L = sum(y^3): through the input gradient and through y.
      const second = (product: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): tf.Tensor =>
        tf.grad((b: tf.Tensor) => {
          const slope = tf.grad((a: tf.Tensor) => tf.sum(tf.pow(product(a, b), 3)));
          return tf.sum(tf.mul(slope(x), dx));
        })(w);
      const ours = second((a, b) => linear(a, b)).dataSync();
      const plain = second((a, b) => folded(a, b, false)).dataSync();
      ours.forEach((value, i) => {
        // Sums of products of a few terms, in another order.
        expect(Math.abs(value - plain[i]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(plain[i]!)));
      });
    });
  });
});

describe("linear", () => {
  test("gives the input gradient alone, then the weight gradient, through vjp", () => {
    const [x, dy] = [seededTensor([2, 3, I], 1), seededTensor([2, 3, O], 3)];
    const w = tf.variable(seededTensor([I, O], 2), true, "linear weight");
    const { value, pullback } = vjp((a: tf.Tensor) => linear(a, w), [x], { parameters: [w] });
    const gradients: (tf.Tensor | undefined)[] = [];
    const first = workOf(() => {
      gradients.push(...pullback.inputs(dy));
    });
    const second = workOf(() => {
      gradients.push(...pullback.parameters().values());
    });
    expect([first, second]).toEqual([[LINEAR], [LINEAR_GRAD_WEIGHT]]);
    expect(gradients.map((gradient) => gradient?.shape)).toEqual([
      [2, 3, I],
      [I, O],
    ]);
    tf.dispose([x, dy, w, value, ...gradients.map((gradient) => gradient!)]);
  });

  test.each([
    ["rows that do not fit", () => linear(tf.zeros([2, 3]), tf.zeros([4, 3])), "[I, O]", "[4, 3]", "[2, 3]"],
    ["no matrix", () => linear(tf.zeros([2, 3]), tf.zeros([3])), "[I, O]", "[3]", "[2, 3]"],
    [
      "columns that do not fit, transposed",
      () => linear(tf.zeros([2, 3]), tf.zeros([3, 4]), { transposeW: true }),
      "[O, I]",
      "[3, 4]",
      "[2, 3]",
    ],
    ["a scalar", () => linear(tf.scalar(1), tf.zeros([1, 4])), "[I, O]", "[1, 4]", "[]"],
  ])("refuses %s", (_, call, form, w, x) => {
    expect(() => tf.tidy(call)).toThrow(
      new ContractError(
        `linear: w (shape ${w}) must have shape ${form} with I the last dim of x (shape ${x}); use matching sizes, or transposeW.`,
      ),
    );
  });

  test("refuses integers", () => {
    expect(() => linear(tf.zeros([2, 3], "int32"), tf.zeros([3, 4]))).toThrow(
      new ContractError('linear: x (int32) must be float32; use tf.cast(t, "float32").'),
    );
  });
});
