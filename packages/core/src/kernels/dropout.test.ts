import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { TEST_BACKENDS, useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { philoxKey } from "../random/key.ts";
import { DROPOUT, dropout, dropoutThreshold, type DropoutAttrs } from "./dropout.ts";

const key = philoxKey({ seed: 1, name: "dropout" });

describe.each(TEST_BACKENDS)("dropout on the %s backend", (backendName) => {
  beforeAll(() => useTestEngine(backendName));

  test("keeps a share 1 - rate and scales it, so that the mean stays", () => {
    const y = dropout(tf.ones([100, 201]), { rate: 0.25, key }).dataSync();
    const kept = y.filter((value) => value !== 0);
    expect(new Set(kept)).toEqual(new Set([Math.fround(1 / 0.75)]));
    // Five standard deviations of the share of 20,100 draws.
    expect(Math.abs(kept.length / y.length - 0.75)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / y.length));
  });

  test("a region has the mask of its place in the whole", () => {
    const x = tf.add(tf.range(0, 7 * 5), 1).reshape([7, 5]);
    const whole = dropout(x, { rate: 0.5, key });
    const attrs: DropoutAttrs = { rate: 0.5, key: [...key], globalShape: [7, 5], offset: [2, 1] };
    const part = tf.engine().runKernel<tf.Tensor>(DROPOUT, { x: tf.slice(x, [2, 1], [4, 3]) }, attrs);
    expect([...part.dataSync()]).toEqual([...tf.slice(whole, [2, 1], [4, 3]).dataSync()]);
  });

  test("the gradient has the mask and scale of the value, and nothing is left", () => {
    const x = tf.ones([4, 9]);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const f = (t: tf.Tensor): tf.Tensor => dropout(t, { rate: 0.4, key });
      expect([...tf.grad(f)(x).dataSync()]).toEqual([...f(x).dataSync()]);
    });
    expect(tf.memory().numTensors).toBe(before);
    x.dispose();
  });
});

test("thresholds cover the range of rates", () => {
  expect([0, 0.5, 1 - 2 ** -40].map(dropoutThreshold)).toEqual([0, 2 ** 31, 2 ** 32 - 1]);
});

test.each([-0.1, 1, NaN])("rate %d is refused", (rate) => {
  expect(() => dropout(tf.ones([2]), { rate, key })).toThrow(
    new ContractError(`dropout: rate (${rate}) must be in [0, 1); use for example rate: 0.1.`),
  );
});
