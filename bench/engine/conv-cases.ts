/**
 * What the engine benchmark runs of a convolutional network: the second layer of an MNIST classifier, 64 images.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import type { EngineCase } from "./cases.ts";

/** Convolution and pooling on `[64, 14, 14, 16]` and their gradients. */
export function convCases(): EngineCase[] {
  const x = tf.randomUniform<tf.Rank.R4>([64, 14, 14, 16], -1, 1);
  const filter = tf.randomUniform<tf.Rank.R4>([3, 3, 16, 32], -1, 1);
  const dy = tf.randomUniform<tf.Rank.R4>([64, 14, 14, 32], -1, 1);
  // Positive: the stock gradient drops windows without a positive element.
  const image = tf.randomUniform<tf.Rank.R4>([64, 14, 14, 16], 0.1, 1);
  const pooled = tf.maxPool(image, 2, 2, "valid");
  const attrs = { strides: [1, 1], pad: "same", dataFormat: "NHWC" };
  const pool = { filterSize: [2, 2], strides: [2, 2], pad: "valid" };
  const kernel = (name: string, inputs: tf.NamedTensorMap, more: tf.NamedAttrMap): tf.Tensor =>
    tf.engine().runKernel<tf.Tensor>(name, inputs, more);
  const cases: Record<string, () => tf.TensorContainer> = {
    Conv2D: () => tf.conv2d(x, filter, 1, "same"),
    Conv2DBackpropInput: () =>
      kernel("Conv2DBackpropInput", { dy, filter }, { ...attrs, inputShape: x.shape }),
    MaxPool: () => tf.maxPool(image, 2, 2, "valid"),
    MaxPoolGrad: () => kernel("MaxPoolGrad", { dy: pooled, input: image, output: pooled }, pool),
  };
  return [
    ...Object.entries(cases).map(([name, run]) => ({ name, elements: x.size, run })),
    {
      name: "Conv2DBackpropFilter",
      elements: x.size,
      run: () => kernel("Conv2DBackpropFilter", { x, dy }, { ...attrs, filterShape: filter.shape }),
      stock: null,
    },
  ];
}
