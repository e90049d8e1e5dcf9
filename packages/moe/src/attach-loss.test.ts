import * as tf from "@tensorflow/tfjs";
import { beforeAll, expect, test } from "vitest";
import { attachLoss } from "./attach-loss.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

test("the value passes unchanged, and the loss's gradient is added, times the scale", () => {
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const x = tf.tensor1d([1, -2]);
    const w = tf.tensor1d([3, 5]);
    const value = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
      tf.sum(tf.mul(attachLoss(a, tf.sum(tf.square(b)), 0.25), 7));
    expect(value(x, w).dataSync()[0]).toBe(-7);
    const [dx, dw] = tf.grads((...inputs: tf.Tensor[]) => value(inputs[0]!, inputs[1]!))([x, w]);
    expect([...dx!.dataSync()]).toEqual([7, 7]);
    // 0.25 * 2 w
    expect([...dw!.dataSync()]).toEqual([1.5, 2.5]);
  });
  expect(tf.memory().numTensors).toBe(before);
});
