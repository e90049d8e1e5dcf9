import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { layerNorm } from "./layer-norm.ts";
import { rmsNorm } from "./rms-norm.ts";

beforeAll(() => useTestEngine("cpu"));

describe("layerNorm", () => {
  test("normalises each row of any number of leading dims", () => {
    const x = tf.randomUniform([2, 3, 7], -100, 300, "float32", 1);
    const y = layerNorm(x, { gamma: tf.fill([7], 2), beta: tf.fill([7], 5), epsilon: 0 });
    const { mean, variance } = tf.moments(y, -1);
    for (const value of mean.dataSync()) expect(value).toBeCloseTo(5, 4);
    for (const value of variance.dataSync()) expect(value).toBeCloseTo(4, 4);
  });

  test("works where x itself is not differentiated", () => {
    const x = tf.tensor2d([1, 2, 4, 8, 16, 32], [2, 3]);
    const gradient = tf.grad((gamma) => layerNorm(x, { gamma, beta: tf.zeros([3]), epsilon: 1e-5 }))(
      tf.ones([3]),
    );
    const normalised = layerNorm(x, { gamma: tf.ones([3]), beta: tf.zeros([3]), epsilon: 1e-5 });
    // Same arithmetic up to the rounding of the saved statistics.
    const difference = tf.max(tf.abs(tf.sub(gradient, tf.sum(normalised, 0)))).dataSync()[0]!;
    expect(difference).toBeLessThan(1e-6);
  });

  test("refuses gamma and beta of other sizes, scalars and integers", () => {
    const [x, good, bad] = [tf.zeros([2, 3]), tf.ones([3]), tf.ones([2])];
    expect(() => layerNorm(x, { gamma: bad, beta: good, epsilon: 0 })).toThrow(
      new ContractError(
        "layerNorm: gamma (shape [2]) must have shape [3], the last dim of x; use matching sizes.",
      ),
    );
    expect(() => layerNorm(x, { gamma: good, beta: bad, epsilon: 0 })).toThrow("layerNorm: beta (shape [2])");
    expect(() => layerNorm(tf.scalar(1), { gamma: good, beta: good, epsilon: 0 })).toThrow(
      new ContractError(
        "layerNorm: x (shape []) must have at least one dim; use a tensor of shape [..., D].",
      ),
    );
    expect(() => layerNorm(tf.cast(x, "int32"), { gamma: good, beta: good, epsilon: 0 })).toThrow(
      new ContractError('layerNorm: x (int32) must be float32; use tf.cast(t, "float32").'),
    );
  });
});

describe("rmsNorm", () => {
  test("gives rows of mean square 1 and refuses a gamma of another size", () => {
    const y = rmsNorm(tf.randomUniform([4, 5], -9, 2, "float32", 1), { gamma: tf.ones([5]), epsilon: 0 });
    for (const value of tf.mean(tf.square(y), -1).dataSync()) expect(value).toBeCloseTo(1, 5);
    expect(() => rmsNorm(y, { gamma: tf.ones([4]), epsilon: 0 })).toThrow("rmsNorm: gamma (shape [4])");
  });
});
