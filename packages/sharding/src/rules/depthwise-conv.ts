/**
 * Convolutions that treat every channel by itself, and their gradients.
 *
 * Legend: N batch, C channels, M outputs per channel (output channel `c * M + m`), p = ranks on the axis.
 *
 * | kernel                               | strategy | first input | second input | output         |
 * | ------------------------------------ | -------- | ----------- | ------------ | -------------- |
 * | `DepthwiseConv2dNative`              | batch    | `x` N/p     | `filter`     | N/p            |
 * |                                      | channels | `x` C/p     | `filter` C/p | C*M/p          |
 * |                                      | linear   | one of the two `Partial(sum)` || `Partial(sum)` |
 * | `DepthwiseConv2dNativeBackpropInput` | batch    | `dy` N/p    | `filter`     | N/p            |
 * |                                      | channels | `dy` C*M/p  | `filter` C/p | C/p            |
 * | `DepthwiseConv2dNativeBackpropFilter`| batch    | `x` N/p     | `dy` N/p     | `Partial(sum)` |
 * |                                      | channels | `x` C/p     | `dy` C*M/p   | C/p            |
 *
 * Where M is above 1, channels are split only if p divides C: else the shards of C and of C*M would not match.
 *
 * @packageDocumentation
 */
import { inputAt } from "./attributes.ts";
import { channelDim, conv2DShape, localShapeAttr, shapeAttr, windowKey } from "./conv-shape.ts";
import { extraDims, isLinear } from "./conv.ts";
import type { AxisContext, KernelCall, Rule } from "./rule.ts";
import { partial, reduced, sharded } from "./strategy.ts";

/** The dim of C in a filter `[h, w, C, M]`. */
const FILTER_CHANNELS = 2;
const IMAGE_NDIM = 4;

/** Whether the shards of the channels of the first input match those of the other image. */
function channelsMatch(call: KernelCall, axis: AxisContext, filter: readonly number[]): boolean {
  const [numChannels, multiplier] = filter.slice(FILTER_CHANNELS) as [number, number];
  const pieces = axis.size * axis.piecesByOthers(0, channelDim(call, IMAGE_NDIM));
  return multiplier === 1 || numChannels % pieces === 0;
}

const forward: Rule = {
  kernels: ["DepthwiseConv2dNative", "FusedDepthwiseConv2D"],
  outputs: (call) => [{ shape: conv2DShape(call, true), dtype: inputAt(call, 0).dtype }],
  strategies: (call, axis) => {
    const channels = channelDim(call, IMAGE_NDIM);
    const output = conv2DShape(call, true);
    const found = [sharded([0, undefined, ...extraDims(call, output, 0)], [0])];
    if (channelsMatch(call, axis, inputAt(call, 1).shape)) {
      found.push(sharded([channels, FILTER_CHANNELS, ...extraDims(call, output, channels)], [channels]));
    }
    if (isLinear(call)) {
      found.push(partial(["sum", undefined], ["sum"]), partial([undefined, "sum"], ["sum"]));
    }
    return found;
  },
  attrsKey: windowKey,
};

const inputGradient: Rule = {
  kernels: ["DepthwiseConv2dNativeBackpropInput"],
  outputs: (call) => [{ shape: shapeAttr(call, "inputShape"), dtype: "float32" }],
  strategies: (call, axis) => {
    const channels = channelDim(call, IMAGE_NDIM);
    const split = sharded([channels, FILTER_CHANNELS], [channels]);
    const matches = channelsMatch(call, axis, inputAt(call, 1).shape);
    return [sharded([0, undefined], [0]), ...(matches ? [split] : [])];
  },
  localAttrs: localShapeAttr("inputShape"),
  attrsKey: windowKey,
};

const filterGradient: Rule = {
  kernels: ["DepthwiseConv2dNativeBackpropFilter"],
  outputs: (call) => [{ shape: shapeAttr(call, "filterShape"), dtype: "float32" }],
  strategies: (call, axis) => {
    const channels = channelDim(call, IMAGE_NDIM);
    const split = sharded([channels, channels], [FILTER_CHANNELS]);
    const matches = channelsMatch(call, axis, shapeAttr(call, "filterShape"));
    return [reduced([0, 0], ["sum"]), ...(matches ? [split] : [])];
  },
  localAttrs: localShapeAttr("filterShape"),
  attrsKey: windowKey,
};

/** Rules of the depthwise convolutions. */
export const depthwiseConvRules: readonly Rule[] = [forward, inputGradient, filterGradient];
