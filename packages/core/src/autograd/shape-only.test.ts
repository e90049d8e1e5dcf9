import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { seededTensor } from "../engine/testing/seeded.ts";
import { bitsOf } from "./testing/bits.ts";
import { checkLeaks } from "./testing/leaks.ts";
import { vjp } from "./vjp.ts";

beforeAll(async () => {
  await useTestEngine("cpu");
});
checkLeaks();

type Operation = (x: tf.Tensor2D) => tf.Tensor;

const OPERATIONS: readonly (readonly [kernel: string, numSaved: number, operation: Operation])[] = [
  ["Add", 0, (x) => tf.add(x, tf.tensor1d([1, 2, 3]))],
  ["AddN", 0, (x) => tf.addN([x, x])],
  ["Concat", 0, (x) => tf.concat([x, tf.zeros([4, 3]), x], 0)],
  ["ExpandDims", 0, (x) => tf.expandDims(x, 1)],
  ["Mean", 0, (x) => tf.mean(x, 0)],
  ["Pack", 0, (x) => tf.stack([x, x], 1)],
  ["PadV2", 0, (x) => tf.pad(x, [[1, 0], [0, 2]])], // prettier-ignore
  ["Reshape", 0, (x) => tf.reshape(x, [3, 2])],
  ["Slice", 0, (x) => tf.slice(x, [0, 1], [2, 2])],
  ["Sub", 0, (x) => tf.sub(tf.tensor1d([1, 2, 3]), x)],
  ["Sum", 0, (x) => tf.sum(x, 1)],
  // The gradients of these read what they save.
  ["Square", 1, (x) => tf.square(x)],
  ["Multiply", 2, (x) => tf.mul(x, tf.tensor1d([1, 2, 3]))],
];

describe("the gradient of", () => {
  test.each(OPERATIONS)("%s holds %i tensors, and is that of tf.grad", (kernel, numSaved, operation) => {
    const x = seededTensor([2, 3], 1) as tf.Tensor2D;
    const plain = tf.tidy(() => operation(x));
    const dy = seededTensor(plain.shape, 2);
    tf.tidy(() => {
      const { pullback } = vjp(operation, [x]);
      expect(
        pullback.numSaved,
        `${kernel} no longer saves what it did, or its gradient is no longer recorded under its name`,
      ).toBe(numSaved);
      const [dx] = pullback.all(dy).inputs;
      expect(bitsOf(dx!), `the gradient of ${kernel} no longer reads shapes alone`).toEqual(
        bitsOf(tf.grad(operation as (x: tf.Tensor) => tf.Tensor)(x, dy)),
      );
    });
    tf.dispose([x, plain, dy]);
  });
});
