/**
 * Grey-scale dilation (the largest of image plus filter in each window), and its gradients.
 *
 * Legend: N batch, C channels; image `[N, H, W, C]`, filter `[h, w, C]`. Batch and channels may be split; the gradient of
 * the filter is then `Partial("sum")`, or split by channels.
 *
 * @packageDocumentation
 */
import { backend_util } from "@tensorflow/tfjs";
import { inputAt } from "./attributes.ts";
import { windowKey } from "./conv-shape.ts";
import type { KernelCall, Rule } from "./rule.ts";
import { reduced, sharded } from "./strategy.ts";

type DilationArguments = Parameters<typeof backend_util.computeDilation2DInfo>;

function dilationShape(call: KernelCall): readonly number[] {
  const { strides, pad, dilations } = call.attrs as {
    strides: DilationArguments[2];
    pad: DilationArguments[3];
    dilations: DilationArguments[5];
  };
  const [image, filter] = [inputAt(call, 0).shape, inputAt(call, 1).shape] as [
    DilationArguments[0],
    DilationArguments[1],
  ];
  return backend_util.computeDilation2DInfo(image, filter, strides, pad, "NHWC", dilations).outShape;
}

/** Rules of `Dilation2D` and its gradient kernels. */
export const dilationRules: readonly Rule[] = [
  {
    kernels: ["Dilation2D"],
    outputs: (call) => [{ shape: dilationShape(call), dtype: inputAt(call, 0).dtype }],
    strategies: () => [sharded([0, undefined], [0]), sharded([3, 2], [3])],
    attrsKey: windowKey,
  },
  {
    kernels: ["Dilation2DBackpropInput"],
    outputs: (call) => [inputAt(call, 0)],
    strategies: () => [sharded([0, undefined, 0], [0]), sharded([3, 2, 3], [3])],
    attrsKey: windowKey,
  },
  {
    kernels: ["Dilation2DBackpropFilter"],
    outputs: (call) => [inputAt(call, 1)],
    strategies: () => [reduced([0, undefined, 0], ["sum"]), sharded([3, 2, 3], [2])],
    attrsKey: windowKey,
  },
];
