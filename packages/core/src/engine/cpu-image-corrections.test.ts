import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "./start.ts";
import { withoutLeak } from "./testing/check.ts";

beforeAll(async () => {
  await startEngine({ prefer: "cpu" });
});

function wave(shape: [number, number, number, number], step: number): tf.Tensor4D {
  const size = shape.reduce((a, b) => a * b);
  return tf.tensor4d(
    Array.from({ length: size }, (_, i) => Math.sin(step * i)),
    shape,
  );
}

describe("the cpu engine's image kernels", () => {
  test.each([
    ["resizeBilinear", tf.image.resizeBilinear],
    ["resizeNearestNeighbor", tf.image.resizeNearestNeighbor],
  ])("the gradient of %s is its adjoint, for a batch of images that are not square", (_, resize) => {
    withoutLeak(() => {
      const x = wave([3, 4, 2, 5], 0.7);
      const dy = wave([3, 5, 6, 5], 1.1);
      const dx = tf.grad((input: tf.Tensor) => resize(input as tf.Tensor4D, [5, 6]))(x, dy);
      expect(dx.shape).toEqual([3, 4, 2, 5]);
      // The resizing is linear: <resize(v), dy> = <v, dx> for every v.
      for (const step of [0.3, 0.9, 1.7]) {
        const v = wave([3, 4, 2, 5], step);
        const forward = tf.sum(tf.mul(resize(v, [5, 6]), dy)).dataSync()[0]!;
        expect(tf.sum(tf.mul(v, dx)).dataSync()[0]!).toBeCloseTo(forward, 4);
      }
    });
  });

  test("transform moves every image of a batch, by one transform or by one each", () => {
    withoutLeak(() => {
      const images = tf.tensor4d([1, 2, 3, 4, 5, 6], [3, 1, 2, 1]);
      const left = [1, 0, 1, 0, 1, 0, 0, 0];
      const stay = [1, 0, 0, 0, 1, 0, 0, 0];
      const one = tf.image.transform(images, tf.tensor2d([left]), "nearest", "constant", 9);
      expect([...one.dataSync()]).toEqual([2, 9, 4, 9, 6, 9]);
      const each = tf.image.transform(images, tf.tensor2d([left, stay, left]), "nearest", "constant", 9);
      expect([...each.dataSync()]).toEqual([2, 9, 3, 4, 6, 9]);
      expect(each.shape).toEqual([3, 1, 2, 1]);
    });
  });
});

describe("a view of the cpu engine", () => {
  test("a cast to a wider type is seen in that type", async () => {
    const engine = await startEngine({ prefer: "cpu" });
    withoutLeak(() => {
      const wide = tf.cast(tf.tensor1d([1, 0, 3], "int32"), "float32");
      expect(engine.view(wide)).toEqual(Float32Array.of(1, 0, 3));
    });
  });
});
