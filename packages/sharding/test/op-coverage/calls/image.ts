/**
 * Calls of image kernels, and of those that exchange space with batch or channels.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { floats, given, runKernel, type OpCall } from "../op-call.ts";

const image = floats([3, 5, 4, 2]);
const as4D = (t: tf.Tensor | undefined): tf.Tensor4D => t as tf.Tensor4D;

const boxes = given([3, 4], "float32", [0, 0, 0.5, 0.6, 0.2, 0.1, 0.9, 0.8, 0.3, 0.3, 0.7, 1]);
const owners = given([3], "int32", [2, 0, 2]);
const scores = given([3], "float32", [0.9, 0.3, 0.6]);

const suppressions = (["V3", "V4", "V5"] as const).map((version): OpCall => ({
  kernel: `NonMaxSuppression${version}`,
  inputs: [boxes, scores],
  run: ([b, s]) =>
    runKernel(
      `NonMaxSuppression${version}`,
      { boxes: b!, scores: s! },
      {
        ...{ maxOutputSize: 2, iouThreshold: 0.5, scoreThreshold: 0.1 },
        ...(version === "V4" ? { padToMaxOutputSize: true } : {}),
        ...(version === "V5" ? { softNmsSigma: 0.2 } : {}),
      },
    ),
}));

/** Calls of the image kernels. */
export const imageCalls: readonly OpCall[] = [
  {
    kernel: "ResizeBilinear",
    inputs: [image],
    run: ([x]) => tf.image.resizeBilinear(as4D(x), [7, 3]),
  },
  {
    kernel: "ResizeNearestNeighbor",
    inputs: [image],
    run: ([x]) => tf.image.resizeNearestNeighbor(as4D(x), [7, 3]),
  },
  { kernel: "FlipLeftRight", inputs: [image], run: ([x]) => tf.image.flipLeftRight(as4D(x)) },
  {
    kernel: "RotateWithOffset",
    inputs: [image],
    run: ([x]) => tf.image.rotateWithOffset(as4D(x), 0.6, 0.25, 0.5),
  },
  {
    kernel: "Transform",
    inputs: [image, given([1, 8], "float32", [1, 0.2, 0.5, 0.1, 0.9, -0.3, 0, 0])],
    run: ([x, transforms]) =>
      tf.image.transform(as4D(x), transforms as tf.Tensor2D, "bilinear", "constant", 0.5),
  },
  {
    kernel: "CropAndResize",
    inputs: [image, boxes, owners],
    run: ([x, b, o]) => tf.image.cropAndResize(as4D(x), b as tf.Tensor2D, o as tf.Tensor1D, [2, 3]),
  },
  ...suppressions,
  {
    kernel: "SpaceToBatchND",
    inputs: [floats([3, 4, 2, 5])],
    run: ([x]) =>
      tf.spaceToBatchND(
        x!,
        [2, 2],
        [
          [0, 2],
          [1, 1],
        ],
      ),
  },
  {
    kernel: "BatchToSpaceND",
    inputs: [floats([8, 3, 2, 5])],
    run: ([x]) =>
      tf.batchToSpaceND(
        x!,
        [2, 2],
        [
          [0, 1],
          [1, 0],
        ],
      ),
  },
  {
    kernel: "DepthToSpace",
    inputs: [floats([3, 4, 3, 8])],
    run: ([x]) => tf.depthToSpace(as4D(x), 2, "NHWC"),
  },
];
