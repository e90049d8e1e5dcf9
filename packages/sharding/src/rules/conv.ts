/**
 * Convolutions and their gradients, in two and three dims; legend in `conv-shape.ts`, p = ranks on the axis.
 *
 * | kernel                | strategy    | first input  | second input | output         |
 * | --------------------- | ----------- | ------------ | ------------ | -------------- |
 * | `Conv2D`              | batch       | `x` N/p      | `filter`     | N/p            |
 * |                       | columns     | `x`          | `filter` O/p | O/p            |
 * |                       | contraction | `x` C/p      | `filter` C/p | `Partial(sum)` |
 * |                       | linear      | one of the two `Partial(sum)` || `Partial(sum)` |
 * | `Conv2DBackpropInput` | batch       | `dy` N/p     | `filter`     | N/p            |
 * |                       | rows        | `dy`         | `filter` C/p | C/p            |
 * |                       | contraction | `dy` O/p     | `filter` O/p | `Partial(sum)` |
 * | `Conv2DBackpropFilter`| contraction | `x` N/p      | `dy` N/p     | `Partial(sum)` |
 * |                       | rows        | `x` C/p      | `dy`         | C/p            |
 * |                       | columns     | `x`          | `dy` O/p     | O/p            |
 *
 * Space is never split. The gradient kernels are linear in `dy`, but do not take it partial: it has two consumers, so it
 * is reduced here, once. A fused bias or activation comes after the sum over C; with either, the last two strategies of
 * the forward kernel are not offered.
 *
 * @packageDocumentation
 */
import { inputAt } from "./attributes.ts";
import { alignedDim } from "./broadcast.ts";
import { channelDim, conv2DShape, conv3DShape, localShapeAttr, shapeAttr, windowKey } from "./conv-shape.ts";
import type { AxisStrategy, KernelCall, Rule } from "./rule.ts";
import { partial, reduced, sharded, type SplitDim } from "./strategy.ts";

/** Where the channels stand in an image and in a filter. */
interface ConvDims {
  readonly channels: number;
  readonly filterInput: number;
  readonly filterOutput: number;
}

function convDims(call: KernelCall): ConvDims {
  const ndim = inputAt(call, 0).shape.length;
  return { channels: channelDim(call, ndim), filterInput: ndim - 2, filterOutput: ndim - 1 };
}

function forwardRule(kernels: readonly string[], shape: (call: KernelCall) => readonly number[]): Rule {
  return {
    kernels,
    outputs: (call) => [{ shape: shape(call), dtype: inputAt(call, 0).dtype }],
    strategies: (call) => {
      const { channels, filterInput, filterOutput } = convDims(call);
      const output = shape(call);
      const split = (image: SplitDim, filter: SplitDim, dim: number): AxisStrategy =>
        sharded([image, filter, ...extraDims(call, output, dim)], [dim]);
      const found = [split(0, undefined, 0), split(undefined, filterOutput, channels)];
      if (isLinear(call)) {
        found.push(
          reduced([channels, filterInput], ["sum"]),
          partial(["sum", undefined], ["sum"]),
          partial([undefined, "sum"], ["sum"]),
        );
      }
      return found;
    },
    attrsKey: windowKey,
  };
}

/**
 * How a bias and the weights of a fused activation are split when the output is along `dim`. One dim means the channels,
 * wherever they stand; several are broadcast.
 */
export function extraDims(call: KernelCall, output: readonly number[], dim: number): SplitDim[] {
  const channels = channelDim(call, output.length);
  return call.inputs.slice(2).map(({ shape }) => {
    if (shape.length !== 1) return alignedDim(shape, output, dim);
    return dim === channels && shape[0] === output[channels] ? 0 : undefined;
  });
}

/** Whether nothing but the convolution happens. */
export function isLinear({ inputs, attrs: { activation } }: KernelCall): boolean {
  return inputs.length === 2 && (activation === undefined || activation === null || activation === "linear");
}

function inputGradientRule(kernel: string): Rule {
  return {
    kernels: [kernel],
    outputs: (call) => [{ shape: shapeAttr(call, "inputShape"), dtype: "float32" }],
    strategies: (call) => {
      const { channels, filterInput, filterOutput } = convDims(call);
      return [
        sharded([0, undefined], [0]),
        sharded([undefined, filterInput], [channels]),
        reduced([channels, filterOutput], ["sum"]),
      ];
    },
    localAttrs: localShapeAttr("inputShape"),
    attrsKey: windowKey,
  };
}

function filterGradientRule(kernel: string): Rule {
  return {
    kernels: [kernel],
    outputs: (call) => [{ shape: shapeAttr(call, "filterShape"), dtype: "float32" }],
    strategies: (call) => {
      const { channels, filterInput, filterOutput } = convDims(call);
      return [
        reduced([0, 0], ["sum"]),
        sharded([channels, undefined], [filterInput]),
        sharded([undefined, channels], [filterOutput]),
      ];
    },
    localAttrs: localShapeAttr("filterShape"),
    attrsKey: windowKey,
  };
}

/** Rules of all convolutions that sum over the channels. */
export const convRules: readonly Rule[] = [
  forwardRule(["Conv2D", "FusedConv2D"], conv2DShape),
  forwardRule(["Conv3D"], conv3DShape),
  inputGradientRule("Conv2DBackpropInput"),
  inputGradientRule("Conv3DBackpropInputV2"),
  filterGradientRule("Conv2DBackpropFilter"),
  filterGradientRule("Conv3DBackpropFilterV2"),
];
