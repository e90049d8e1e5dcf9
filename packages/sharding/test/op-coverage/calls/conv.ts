/**
 * Calls of convolutions, poolings and normalisations of images.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { floats, type OpCall } from "../op-call.ts";

const ANY = [-1.5, 1.5] as const;
const image = floats([3, 5, 4, 2]);
const filter = floats([2, 3, 2, 4], ANY, 2);
const volume = floats([3, 3, 4, 2, 2]);

const as4D = (t: tf.Tensor | undefined): tf.Tensor4D => t as tf.Tensor4D;
const as5D = (t: tf.Tensor | undefined): tf.Tensor5D => t as tf.Tensor5D;

const convolutions: readonly OpCall[] = [
  {
    kernel: "Conv2D",
    inputs: [image, filter],
    run: ([x, f]) => tf.conv2d(as4D(x), as4D(f), [2, 1], "same"),
  },
  {
    kernel: "Conv2DBackpropInput",
    inputs: [floats([3, 4, 2, 4]), filter],
    run: ([x, f]) => tf.conv2dTranspose(as4D(x), as4D(f), [3, 5, 4, 2], 1, "valid"),
  },
  {
    kernel: "Conv3D",
    inputs: [volume, floats([2, 2, 1, 2, 3], ANY, 2)],
    run: ([x, f]) => tf.conv3d(as5D(x), as5D(f), 1, "valid"),
  },
  {
    kernel: "Conv3DBackpropInputV2",
    inputs: [floats([3, 2, 3, 2, 3]), floats([2, 2, 1, 2, 3], ANY, 2)],
    run: ([x, f]) => tf.conv3dTranspose(as5D(x), as5D(f), [3, 3, 4, 2, 2], 1, "valid"),
  },
  {
    kernel: "DepthwiseConv2dNative",
    inputs: [image, floats([2, 3, 2, 2], ANY, 2)],
    run: ([x, f]) => tf.depthwiseConv2d(as4D(x), as4D(f), 1, "valid"),
  },
  {
    kernel: "FusedConv2D",
    inputs: [image, filter, floats([4], ANY, 3)],
    run: ([x, f, bias]) =>
      tf.fused.conv2d({
        ...{ x: as4D(x), filter: as4D(f), strides: 1, pad: "valid" },
        ...{ bias: bias!, activation: "relu" },
      }),
  },
  {
    kernel: "FusedDepthwiseConv2D",
    inputs: [image, floats([2, 3, 2, 2], ANY, 2), floats([4], ANY, 3)],
    run: ([x, f, bias]) =>
      tf.fused.depthwiseConv2d({
        ...{ x: as4D(x), filter: as4D(f), strides: 1, pad: "valid" },
        ...{ bias: bias!, activation: "relu" },
      }),
  },
  {
    kernel: "Dilation2D",
    inputs: [image, floats([2, 2, 2], ANY, 2)],
    run: ([x, f]) => tf.dilation2d(as4D(x), f as tf.Tensor3D, 1, "valid"),
  },
];

const poolings: readonly OpCall[] = [
  { kernel: "MaxPool", inputs: [image], run: ([x]) => tf.maxPool(as4D(x), 2, 2, "valid") },
  { kernel: "AvgPool", inputs: [image], run: ([x]) => tf.avgPool(as4D(x), [3, 2], 1, "valid") },
  {
    kernel: "AvgPool",
    variant: "padded",
    inputs: [image],
    run: ([x]) => tf.avgPool(as4D(x), [3, 2], 1, "same"),
  },
  {
    kernel: "MaxPool3D",
    inputs: [volume],
    run: ([x]) => tf.maxPool3d(as5D(x), [2, 2, 1], 1, "valid"),
  },
  {
    kernel: "AvgPool3D",
    inputs: [volume],
    run: ([x]) => tf.avgPool3d(as5D(x), [2, 2, 1], 1, "valid"),
  },
  {
    kernel: "MaxPoolWithArgmax",
    inputs: [image],
    run: ([x]) => Object.values(tf.maxPoolWithArgmax(as4D(x), 2, 2, "valid")),
  },
];

const statistics = [2, 3, 4].map((seed) => floats([2], ANY, seed));

const normalisations: readonly OpCall[] = [
  {
    kernel: "FusedBatchNorm",
    inputs: [image, ...statistics, floats([2], [0.5, 2], 5)],
    run: ([x, mean, offset, scale, variance]) =>
      tf.batchNorm(x!, mean as tf.Tensor1D, variance as tf.Tensor1D, offset, scale),
  },
  {
    kernel: "LRN",
    inputs: [floats([3, 5, 4, 5])],
    run: ([x]) => tf.localResponseNormalization(as4D(x), 1, 1, 0.5, 0.75),
  },
];

/** Calls of the kernels above. */
export const convCalls: readonly OpCall[] = [...convolutions, ...poolings, ...normalisations];
