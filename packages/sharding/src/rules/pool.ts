/**
 * Pooling in two and three dims, and its gradients: batch and channels may be split, space may not.
 *
 * An average is linear, so it takes `Partial("sum")`. A maximum does not take `Partial("max")`: that is reduced before
 * the window shrinks it no more often than after. Gradient kernels do not take `dy` partial, see `conv.ts`.
 *
 * @packageDocumentation
 */
import { backend_util } from "@tensorflow/tfjs";
import { inputAt } from "./attributes.ts";
import { windowKey } from "./conv-shape.ts";
import type { AxisStrategy, KernelCall, Rule, TensorSpec } from "./rule.ts";
import { partial, sharded } from "./strategy.ts";

type Pool2DArguments = Parameters<typeof backend_util.computePool2DInfo>;
type Pool3DArguments = Parameters<typeof backend_util.computePool3DInfo>;

function pool2DShape(call: KernelCall): readonly number[] {
  const { filterSize, strides, pad, dimRoundingMode } = call.attrs as {
    filterSize: Pool2DArguments[1];
    strides: Pool2DArguments[2];
    pad: Pool2DArguments[4];
    dimRoundingMode: Pool2DArguments[5];
  };
  const image = inputAt(call, 0).shape as Pool2DArguments[0];
  return backend_util.computePool2DInfo(image, filterSize, strides, 1, pad, dimRoundingMode).outShape;
}

function pool3DShape(call: KernelCall): readonly number[] {
  const { filterSize, strides, pad, dimRoundingMode } = call.attrs as {
    filterSize: Pool3DArguments[1];
    strides: Pool3DArguments[2];
    pad: Pool3DArguments[4];
    dimRoundingMode: Pool3DArguments[5];
  };
  const image = inputAt(call, 0).shape as Pool3DArguments[0];
  return backend_util.computePool3DInfo(image, filterSize, strides, 1, pad, dimRoundingMode).outShape;
}

/** All tensors split along the batch, or all along the channels. */
function splits(call: KernelCall, numOutputs = 1): AxisStrategy[] {
  const channels = inputAt(call, 0).shape.length - 1;
  return [0, channels].map((dim) =>
    sharded(
      call.inputs.map(() => dim),
      new Array<number>(numOutputs).fill(dim),
    ),
  );
}

function forwardRule(
  kernel: string,
  shape: (call: KernelCall) => readonly number[],
  more: readonly AxisStrategy[] = [],
): Rule {
  return {
    kernels: [kernel],
    outputs: (call) => [{ shape: shape(call), dtype: inputAt(call, 0).dtype }],
    strategies: (call) => [...splits(call), ...more],
    attrsKey: windowKey,
  };
}

const average = [partial(["sum"], ["sum"])];

/** Rules of all poolings. */
export const poolRules: readonly Rule[] = [
  forwardRule("MaxPool", pool2DShape),
  forwardRule("MaxPool3D", pool3DShape),
  forwardRule("AvgPool", pool2DShape, average),
  forwardRule("AvgPool3D", pool3DShape, average),
  {
    kernels: ["MaxPoolGrad", "MaxPool3DGrad", "AvgPoolGrad", "AvgPool3DGrad"],
    outputs: (call): TensorSpec[] => [{ shape: inputAt(call, 1).shape, dtype: "float32" }],
    strategies: (call) => splits(call),
    attrsKey: windowKey,
  },
  {
    kernels: ["MaxPoolWithArgmax"],
    outputs: (call) => {
      const shape = pool2DShape(call);
      return [
        { shape, dtype: inputAt(call, 0).dtype },
        { shape, dtype: "int32" },
      ];
    },
    // Where a maximum stands counts the channels, and on request the images before it: those are not split.
    strategies: (call) => (call.attrs.includeBatchInIndex === true ? [] : splits(call, 2).slice(0, 1)),
    attrsKey: (attrs) => `${windowKey(attrs)}/${String(attrs.includeBatchInIndex)}`,
  },
];
