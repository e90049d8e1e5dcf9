/**
 * Kernels of tfjs-node that lack what the same kernels of other backends have, and the rest of it.
 *
 * | kernel                                     | stock                                    | here                        |
 * | ------------------------------------------ | ---------------------------------------- | --------------------------- |
 * | `Conv2D`, `FusedConv2D`, `Depthwise...`    | no padding given as a number             | the same padding by side    |
 * | poolings, gradients of `Conv2D`            | no padding but "same" and "valid"        | on the cpu backend, copied  |
 * | `UnsortedSegmentSum`                       | an id beyond the segments is an error    | its rows are dropped        |
 * | `Sum`, `Mean`                              | columns added naively                    | in two stages               |
 * | `Multinomial`                              | a seed draws on where it stopped before  | on the cpu backend, copied  |
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import {
  getKernel,
  registerKernel,
  scalar,
  less,
  tidy,
  unregisterKernel,
  where,
  type KernelFunc,
  type NamedAttrMap,
} from "@tensorflow/tfjs";
import type { CpuBridge } from "../bridge.ts";
import { inTwoStages } from "./long-sums.ts";

/** Takes numbers and pads for each side alike. */
const PADDING_BY_SIDE = ["Conv2D", "FusedConv2D", "DepthwiseConv2dNative", "FusedDepthwiseConv2D"];

/** Knows "same" and "valid" alone. */
const NAMED_PADDING = [
  "AvgPool",
  "AvgPoolGrad",
  "AvgPool3D",
  "AvgPool3DGrad",
  "MaxPool",
  "MaxPoolGrad",
  "MaxPool3D",
  "MaxPool3DGrad",
  "Conv2DBackpropFilter",
  "Conv2DBackpropInput",
  "DepthwiseConv2dNativeBackpropFilter",
  "DepthwiseConv2dNativeBackpropInput",
];

/** Registers the repaired kernels in the place of the stock ones. */
export function repairKernels(backendName: string, bridge: CpuBridge): void {
  const replace = (kernelName: string, repair: (stock: KernelFunc) => KernelFunc): void => {
    const { kernelFunc } = getKernel(kernelName, backendName);
    unregisterKernel(kernelName, backendName);
    registerKernel({ kernelName, backendName, kernelFunc: repair(kernelFunc) });
  };
  for (const name of PADDING_BY_SIDE) replace(name, withPaddingBySide);
  for (const name of NAMED_PADDING) {
    replace(name, (stock) => (params) => (isNamed(params.attrs) ? stock(params) : bridge.run(name, params)));
  }
  // TensorFlow keeps the operation's generator: the same seed would give other numbers the second time.
  replace("Multinomial", () => (params) => bridge.run("Multinomial", params));
  replace("UnsortedSegmentSum", droppingIdsBeyond);
  for (const name of ["Sum", "Mean"]) replace(name, inTwoStages);
}

function isNamed(attrs: NamedAttrMap | undefined): boolean {
  return attrs?.pad === "same" || attrs?.pad === "valid";
}

function withPaddingBySide(stock: KernelFunc): KernelFunc {
  return (params) => {
    const { pad, dataFormat } = params.attrs as { pad: unknown; dataFormat: "NHWC" | "NCHW" };
    if (typeof pad !== "number") return stock(params);
    const [none, side] = [
      [0, 0],
      [pad, pad],
    ];
    const sides = dataFormat === "NCHW" ? [none, none, side, side] : [none, side, side, none];
    return stock({ ...params, attrs: { ...params.attrs, pad: sides } });
  };
}

/** Negative ids are dropped by TensorFlow itself. */
function droppingIdsBeyond(stock: KernelFunc): KernelFunc {
  return (params) => {
    const { segmentIds } = params.inputs as { segmentIds: Tensor };
    const { numSegments } = params.attrs as { numSegments: number };
    return tidy(() => {
      const isWithin = less(segmentIds, scalar(numSegments, "int32"));
      const ids = where(isWithin, segmentIds, scalar(-1, "int32"));
      return stock({ ...params, inputs: { ...params.inputs, segmentIds: ids } }) as Tensor;
    });
  };
}
