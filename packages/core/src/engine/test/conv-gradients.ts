/**
 * Gradients of convolutions and poolings, and the poolings themselves: part of the suite that every engine passes.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import type { EngineName } from "../engine.ts";
import { startEngine } from "../start.ts";
import { expectClose, withoutLeak } from "../testing/check.ts";

type Shape4 = [number, number, number, number];

function wave(shape: Shape4, step: number): tf.Tensor4D {
  const size = shape.reduce((a, b) => a * b);
  return tf.tensor4d(
    Array.from({ length: size }, (_, i) => Math.sin(step * (i + 1))),
    shape,
  );
}

/** One call of either gradient: the image, the filter, and how the filter moves. */
interface Case {
  readonly image: Shape4;
  readonly filter: Shape4;
  readonly strides: [number, number];
  readonly pad:
    "same" | "valid" | number | [[number, number], [number, number], [number, number], [number, number]];
}

const CASES: readonly Case[] = [
  { image: [3, 7, 5, 2], filter: [3, 2, 2, 4], strides: [1, 1], pad: "valid" },
  { image: [2, 7, 6, 3], filter: [3, 4, 3, 5], strides: [2, 1], pad: "same" },
  { image: [1, 4, 4, 1], filter: [1, 1, 1, 3], strides: [1, 2], pad: "valid" },
  // A filter that hangs over on every side, further than it is wide beyond the last column.
  { image: [2, 3, 2, 2], filter: [5, 5, 2, 2], strides: [1, 1], pad: 2 },
  {
    image: [2, 5, 4, 2],
    filter: [2, 3, 2, 3],
    strides: [2, 3],
    pad: [
      [0, 0],
      [1, 0],
      [0, 2],
      [0, 0],
    ],
  },
  // More images than one round takes.
  { image: [5, 40, 40, 8], filter: [3, 3, 8, 4], strides: [1, 1], pad: "same" },
];

/** What the cpu backend gives. */
function onCpu(
  kernel: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attrs: object,
): { shape: number[]; values: Float32Array } {
  const memory = tf.findBackend("cpu");
  const infos = Object.fromEntries(
    Object.entries(inputs).map(([name, t]) => {
      const values = Float32Array.from(t.dataSync());
      return [name, { dataId: memory.write(values, t.shape, t.dtype), shape: t.shape, dtype: t.dtype }];
    }),
  );
  const out = tf.getKernel(kernel, "cpu").kernelFunc({
    inputs: infos,
    attrs: attrs as tf.NamedAttrMap,
    backend: memory,
  }) as tf.TensorInfo;
  const values = Float32Array.from(memory.readSync(out.dataId) as Float32Array);
  for (const info of [...Object.values(infos), out]) memory.disposeData(info.dataId);
  return { shape: out.shape, values };
}

/** Every test below, on the engine that this thread then has. */
export function describeConvGradients(prefer: EngineName): void {
  describe(`convolutions and poolings on ${prefer}`, () => {
    beforeAll(() => startEngine({ prefer }));

    describe("gradients of Conv2D", () => {
      test.each(CASES)(
        "equal the cpu backend's for image $image, filter $filter, pad $pad",
        ({ image, filter, strides, pad }) => {
          withoutLeak(() => {
            const x = wave(image, 0.7);
            const w = wave(filter, 1.3);
            const dy = wave(tf.conv2d(x, w, strides, pad).shape, 0.9);
            const attrs = { strides, pad, dataFormat: "NHWC" };
            const [dx, dw] = tf.grads((a: tf.Tensor, b: tf.Tensor) =>
              tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, strides, pad),
            )([x, w], dy);
            const sums = { absolute: 1e-5, relative: 1e-5 };
            expectClose(dw!, onCpu("Conv2DBackpropFilter", { x, dy }, { ...attrs, filterShape: filter }), {
              ...sums,
              absolute: 1e-3,
            });
            expectClose(
              dx!,
              onCpu("Conv2DBackpropInput", { dy, filter: w }, { ...attrs, inputShape: image }),
              sums,
            );
          });
        },
      );

      test("of no images are zero for the filter and empty for the input", () => {
        withoutLeak(() => {
          const run = (kernel: string, inputs: Record<string, tf.Tensor>, attrs: object): tf.Tensor =>
            tf
              .engine()
              .runKernel(kernel, inputs, { strides: [1, 1], pad: "valid", dataFormat: "NHWC", ...attrs });
          const x = tf.zeros([0, 4, 4, 2]);
          const dy = tf.zeros([0, 3, 3, 5]);
          const dw = run("Conv2DBackpropFilter", { x, dy }, { filterShape: [2, 2, 2, 5] });
          expect([...dw.dataSync()]).toEqual(new Array(40).fill(0));
          const dx = run(
            "Conv2DBackpropInput",
            { dy, filter: tf.ones([2, 2, 2, 5]) },
            { inputShape: [0, 4, 4, 2] },
          );
          expect(dx.shape).toEqual([0, 4, 4, 2]);
        });
      });
    });

    describe("gradients of poolings", () => {
      test("a window of negative elements passes its gradient to the largest, the first of equal ones", () => {
        withoutLeak(() => {
          const x = tf.tensor4d([-3, -1, -2, -1, -5, -5, -6, -5], [1, 2, 4, 1]);
          const dx = tf.grad((t: tf.Tensor) => tf.maxPool(t as tf.Tensor4D, 2, 2, "valid"))(
            x,
            tf.tensor4d([7, 11], [1, 1, 2, 1]),
          );
          expect([...dx.dataSync()]).toEqual([0, 7, 0, 11, 0, 0, 0, 0]);
        });
      });

      test("overlapping and padded windows equal the cpu backend's", () => {
        withoutLeak(() => {
          const x = wave([2, 5, 6, 3], 1.9);
          const attrs = { filterSize: [3, 2], strides: [1, 2], pad: "same" };
          const y = tf.maxPool(x, [3, 2], [1, 2], "same");
          const dy = wave(y.shape, 0.4);
          const dx = tf.grad((t: tf.Tensor) => tf.maxPool(t as tf.Tensor4D, [3, 2], [1, 2], "same"))(x, dy);
          expectClose(dx, onCpu("MaxPoolGrad", { dy, input: x, output: y }, attrs));
        });
      });

      test("an average is shared among the elements that the window has inside", () => {
        withoutLeak(() => {
          const pool = (t: tf.Tensor): tf.Tensor => tf.avgPool(t as tf.Tensor4D, 2, 1, "same");
          const dx = tf.grad(pool)(
            tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]),
            tf.tensor4d([4, 6, 10, 1], [1, 2, 2, 1]),
          );
          expect([...dx.dataSync()]).toEqual([1, 4, 6, 10]);
        });
      });

      test("a maximum of negative elements is negative, in three dims and with its position too", () => {
        withoutLeak(() => {
          const values = [-3, -1, -2, -1, -5, -5, -6, -5];
          const { result, indexes } = tf.maxPoolWithArgmax(tf.tensor4d(values, [1, 2, 4, 1]), 2, 2, "valid");
          expect([...result!.dataSync()]).toEqual([-1, -1]);
          expect([...indexes!.dataSync()]).toEqual([1, 3]);
          const volume = tf.tensor5d(values, [1, 1, 2, 4, 1]);
          expect([...tf.maxPool3d(volume, [1, 2, 2], [1, 2, 2], "valid").dataSync()]).toEqual([-1, -1]);
          const dilated = tf.dilation2d(
            tf.tensor4d(values, [1, 2, 4, 1]),
            tf.tensor3d([-1, -2], [1, 2, 1]),
            1,
            "valid",
          );
          expect([...dilated.dataSync()]).toEqual([-3, -2, -3, -6, -6, -7]);
        });
      });

      test("in three dims windows that are no cubes equal a sum over slices of the largest", () => {
        withoutLeak(() => {
          const x = tf.tensor5d([1, 8, 2, 7, 3, 6, 4, 5], [1, 2, 4, 1, 1]);
          const dx = tf.grad((t: tf.Tensor) => tf.maxPool3d(t as tf.Tensor5D, [2, 2, 1], [1, 2, 1], "valid"))(
            x,
            tf.tensor5d([3, 9], [1, 1, 2, 1, 1]),
          );
          expect([...dx.dataSync()]).toEqual([0, 3, 0, 9, 0, 0, 0, 0]);
        });
      });
    });
  });
}
