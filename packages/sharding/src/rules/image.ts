/**
 * Operations on images `[N, H, W, C]`: batch and channels may be split, space may not.
 *
 * | kernel                              | splits                             | partial              |
 * | ----------------------------------- | ---------------------------------- | -------------------- |
 * | `ResizeBilinear`, its gradient      | batch, channels                    | sum (forward)        |
 * | `ResizeNearestNeighbor`, gradient   | batch, channels                    | sum, max, min (fwd)  |
 * | `FlipLeftRight`                     | batch, rows, channels              | sum, max, min        |
 * | `RotateWithOffset`                  | batch (channels have own fills)    |                      |
 * | `Transform`                         | batch (transforms too), channels   |                      |
 * | `CropAndResize`                     | boxes, channels                    |                      |
 *
 * @packageDocumentation
 */
import type { DataType } from "@tensorflow/tfjs";
import { castOutputs } from "./cast-outputs.ts";
import { inputAt, numbersAttr } from "./attributes.ts";
import { alignedDim } from "./broadcast.ts";
import type { AxisStrategy, KernelCall, Rule } from "./rule.ts";
import { partial, passPartials, sharded } from "./strategy.ts";

const BATCH = 0;
const CHANNELS = 3;

function resized(call: KernelCall, size: readonly number[]): readonly number[] {
  const { shape } = inputAt(call, 0);
  return [shape[0]!, size[0]!, size[1]!, shape[3]!];
}

function resizeRule(
  kernel: string,
  dtype: (image: DataType) => DataType,
  more: readonly AxisStrategy[],
): Rule {
  return {
    kernels: [kernel],
    outputs: (call) => [
      { shape: resized(call, numbersAttr(call, "size")), dtype: dtype(inputAt(call, 0).dtype) },
    ],
    strategies: () => [sharded([BATCH], [BATCH]), sharded([CHANNELS], [CHANNELS]), ...more],
    // The wasm engine gives floats whatever the image holds.
    local: castOutputs,
    attrsKey: ({ size, alignCorners, halfPixelCenters }) =>
      `${String(size)}/${String(alignCorners)}/${String(halfPixelCenters)}`,
  };
}

const resizeGradient: Rule = {
  kernels: ["ResizeBilinearGrad", "ResizeNearestNeighborGrad"],
  outputs: (call) => [{ shape: call.inputs.find(({ name }) => name === "images")!.shape, dtype: "float32" }],
  strategies: () => [BATCH, CHANNELS].map((dim) => sharded([dim, dim], [dim])),
  attrsKey: ({ alignCorners }) => String(alignCorners),
};

const transform: Rule = {
  kernels: ["Transform"],
  outputs: (call) => {
    const size = numbersAttr(call, "outputShape");
    const { shape, dtype } = inputAt(call, 0);
    return [{ shape: size.length === 0 ? shape : resized(call, size), dtype }];
  },
  strategies: (call) => {
    // One transform for all images, or one each.
    const perImage = alignedDim(inputAt(call, 1).shape, [inputAt(call, 0).shape[0]!, 8], 0);
    return [sharded([BATCH, perImage], [BATCH]), sharded([CHANNELS, undefined], [CHANNELS])];
  },
  attrsKey: ({ interpolation, fillMode, fillValue, outputShape }) =>
    `${String(interpolation)}/${String(fillMode)}/${String(fillValue)}/${String(outputShape)}`,
};

const cropAndResize: Rule = {
  kernels: ["CropAndResize"],
  outputs: (call) => {
    const [height, width] = numbersAttr(call, "cropSize");
    const [image, boxes] = [inputAt(call, 0).shape, inputAt(call, 1).shape];
    return [{ shape: [boxes[0]!, height!, width!, image[3]!], dtype: "float32" }];
  },
  strategies: () => [
    sharded([undefined, 0, 0], [BATCH]),
    sharded([CHANNELS, undefined, undefined], [CHANNELS]),
  ],
  attrsKey: ({ cropSize, method, extrapolationValue }) =>
    `${String(cropSize)}/${String(method)}/${String(extrapolationValue)}`,
};

/** Rules of the image kernels. */
export const imageRules: readonly Rule[] = [
  resizeRule("ResizeBilinear", () => "float32", [partial(["sum"], ["sum"])]),
  resizeRule("ResizeNearestNeighbor", (image) => image, passPartials(1, 1)),
  resizeGradient,
  {
    kernels: ["FlipLeftRight"],
    outputs: (call) => [inputAt(call, 0)],
    strategies: () => [...[BATCH, 1, CHANNELS].map((dim) => sharded([dim], [dim])), ...passPartials(1, 1)],
    attrsKey: () => "",
  },
  {
    kernels: ["RotateWithOffset"],
    outputs: (call) => [inputAt(call, 0)],
    strategies: () => [sharded([BATCH], [BATCH])],
    attrsKey: ({ radians, fillValue, center }) => `${String(radians)}/${String(fillValue)}/${String(center)}`,
  },
  transform,
  cropAndResize,
];
