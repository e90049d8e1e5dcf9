import * as tf from "@tensorflow/tfjs";
import { beforeAll, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { tokenCrossEntropy } from "./cross-entropy.ts";

beforeAll(() => useTestEngine("cpu"));

test("uniform logits cost ln V and huge ones do not overflow", () => {
  const loss = tokenCrossEntropy(
    tf.tensor2d([7, 7, 7, 1e4, 0, -1e4, 1e4, 0, -1e4], [3, 3]),
    tf.tensor1d([2, 0, 1], "int32"),
  );
  expect([...loss.dataSync()]).toEqual([Math.fround(Math.log(3)), 0, 1e4]);
});

test("a sure and right model has a gradient of exactly its small probability", () => {
  const logits = tf.tensor2d([20, 0], [1, 2]);
  const labels = tf.tensor1d([0], "int32");
  const grad = tf
    .grad((x: tf.Tensor) => tokenCrossEntropy(x, labels))(logits)
    .dataSync();
  // The other class has p = exp(-20) = 2.06e-9; logSumExp rounds to 20 in float32, so the label's part is 0.
  expect(grad[1]).toBeCloseTo(Math.exp(-20), 15);
  expect(grad[0]).toBeCloseTo(0, 8);
});

test.each([
  { labels: [0, 1, 3], position: 2, value: 3 },
  { labels: [0, -1, 9], position: 1, value: -1 },
])("label $value is refused with its position", ({ labels, position, value }) => {
  expect(() => tokenCrossEntropy(tf.zeros([3, 3]), tf.tensor1d(labels, "int32"))).toThrow(
    new ContractError(
      `CrossEntropy: label at position ${position} (${value}) must be in 0..2, the columns of logits; use labels below 3.`,
    ),
  );
});

test("an ignored label may lie anywhere, costs nothing and has no gradient", () => {
  const logits = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
  const labels = tf.tensor1d([-100, 2], "int32");
  const options = { ignoreIndex: -100, labelSmoothing: 0.3, zLoss: 0.1 };
  const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => tokenCrossEntropy(x, labels, options))(logits);
  expect(value.dataSync()[0]).toBe(0);
  expect([...grad.dataSync()].slice(0, 3)).toEqual([0, 0, 0]);
  expect(value.dataSync()[1]).toBeGreaterThan(1);
  expect(() => tokenCrossEntropy(logits, tf.tensor1d([-100, 3], "int32"), options)).toThrow(
    new ContractError(
      "CrossEntropy: label at position 1 (3) must be in 0..2, the columns of logits; use labels below 3, or ignoreIndex (-100).",
    ),
  );
});

test("wrong shapes and dtypes are refused", () => {
  expect(() => tokenCrossEntropy(tf.zeros([2, 3]), tf.zeros([3], "int32"))).toThrow(
    new ContractError(
      "tokenCrossEntropy: labels (shape [3]) must have shape [2], one label per row of logits; use matching sizes.",
    ),
  );
  expect(() => tokenCrossEntropy(tf.zeros([2, 3]), tf.zeros([2]))).toThrow(
    new ContractError('tokenCrossEntropy: labels (float32) must be int32; use tf.cast(t, "int32").'),
  );
  expect(() => tokenCrossEntropy(tf.zeros([1, 3]), tf.zeros([1], "int32"), { labelSmoothing: 1.5 })).toThrow(
    new ContractError(
      "tokenCrossEntropy: labelSmoothing (1.5) must be in [0, 1]; use for example labelSmoothing: 0.1.",
    ),
  );
});
