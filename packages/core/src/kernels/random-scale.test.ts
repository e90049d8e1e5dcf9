import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { TEST_BACKENDS, useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { RANDOM_SCALE, randomScale, type RandomScaleAttrs } from "./random-scale.ts";

const STREAM = { seed: 1, name: "scale" };
const JITTER = { distribution: "uniform", center: 1, spread: 0.25, ...STREAM } as const;
const NOISE = { distribution: "normal", spread: 2, ...STREAM } as const;

describe.each(TEST_BACKENDS)("randomScale on the %s backend", (backendName) => {
  beforeAll(() => useTestEngine(backendName));

  test("draws in the range, or with the deviation, that is asked for", () => {
    tf.tidy(() => {
      const uniform = randomScale(tf.ones([100, 201]), JITTER).dataSync();
      expect(Math.min(...uniform)).toBeGreaterThanOrEqual(0.75);
      expect(Math.max(...uniform)).toBeLessThan(1.25);
      const normal = randomScale(tf.ones([100, 201]), NOISE);
      const { mean, variance } = tf.moments(normal);
      // Five standard deviations of the mean, and of the variance, of 20,100 draws.
      expect(Math.abs(mean.dataSync()[0]!)).toBeLessThan((5 * 2) / Math.sqrt(20100));
      expect(Math.abs(variance.dataSync()[0]! / 4 - 1)).toBeLessThan(5 * Math.sqrt(2 / 20100));
    });
  });

  test.each([JITTER, NOISE])(
    "a region has the numbers of its place in the whole: $distribution",
    (options) => {
      tf.tidy(() => {
        const x = tf.add(tf.range(0, 7 * 5), 1).reshape([7, 5]);
        const whole = randomScale(x, options);
        const attrs: RandomScaleAttrs = { center: 0, ...options, globalShape: [7, 5], offset: [2, 1] };
        const part = tf
          .engine()
          .runKernel<tf.Tensor>(RANDOM_SCALE, { x: tf.slice(x, [2, 1], [4, 3]) }, attrs);
        expect([...part.dataSync()]).toEqual([...tf.slice(whole, [2, 1], [4, 3]).dataSync()]);
      });
    },
  );

  test("the gradient has the numbers of the value, and nothing is left", () => {
    const x = tf.ones([4, 9]);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const f = (t: tf.Tensor): tf.Tensor => randomScale(t, NOISE);
      expect([...tf.grad(f)(x).dataSync()]).toEqual([...f(x).dataSync()]);
    });
    expect(tf.memory().numTensors).toBe(before);
    x.dispose();
  });
});

test("settings that are not finite, seeds that are none, and integers are refused", () => {
  tf.tidy(() => {
    expect(() => randomScale(tf.ones([2]), { ...JITTER, spread: NaN })).toThrow(
      new ContractError(
        "randomScale: center (1) and spread (NaN) must be finite; use for example center: 1, spread: 0.01.",
      ),
    );
    expect(() => randomScale(tf.ones([2]), { ...JITTER, seed: -1 })).toThrow("philoxKey: seed (-1)");
    expect(() => randomScale(tf.ones([2], "int32"), JITTER)).toThrow(
      "randomScale: x (int32) must be float32",
    );
  });
});
