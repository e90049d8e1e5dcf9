import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "./start.ts";
import { withoutLeak } from "./testing/check.ts";

beforeAll(async () => {
  await startEngine({ prefer: "cpu" });
});

describe("gradients of poolings on the cpu engine", () => {
  test("maxPool3d finds the largest of windows that are no cubes", () => {
    withoutLeak(() => {
      const x = tf.tensor5d([1, 8, 2, 7, 3, 6, 4, 5], [1, 2, 1, 4, 1]);
      const pool = (t: tf.Tensor): tf.Tensor => tf.maxPool3d(t as tf.Tensor5D, [2, 1, 2], [1, 1, 2], "valid");
      const dx = tf.grad(pool)(x, tf.tensor5d([3, 9], [1, 1, 1, 2, 1]));
      expect([...dx.dataSync()]).toEqual([0, 3, 0, 9, 0, 0, 0, 0]);
    });
  });

  test("an average is shared among the elements that the window has inside", () => {
    withoutLeak(() => {
      const pool = (t: tf.Tensor): tf.Tensor => tf.avgPool(t as tf.Tensor4D, 2, 1, "same");
      const dx = tf.grad(pool)(
        tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]),
        tf.tensor4d([4, 6, 10, 1], [1, 2, 2, 1]),
      );
      // 4 over four elements, 6 over the right column, 10 over the lower row, 1 on the corner alone.
      expect([...dx.dataSync()]).toEqual([1, 4, 6, 10]);
    });
  });

  test("of an average in three dims too, for every channel", () => {
    withoutLeak(() => {
      const pool = (t: tf.Tensor): tf.Tensor => tf.avgPool3d(t as tf.Tensor5D, [2, 1, 1], 1, "same");
      const x = tf.tensor5d([1, 2, 3, 4], [1, 2, 1, 1, 2]);
      const dx = tf.grad(pool)(x, tf.tensor5d([2, 4, 5, 7], [1, 2, 1, 1, 2]));
      expect([...dx.dataSync()]).toEqual([1, 2, 6, 9]);
    });
  });
});
