/**
 * Shapes and attributes of convolutions.
 *
 * Legend: N batch, H and W space (D too in three dims), C input channels, O output channels, h and w of the filter.
 *
 * | tensor | `NHWC`         | `NCHW`         |
 * | ------ | -------------- | -------------- |
 * | image  | `[N, H, W, C]` | `[N, C, H, W]` |
 * | filter | `[h, w, C, O]` | `[h, w, C, O]` |
 *
 * @packageDocumentation
 */
import { backend_util } from "@tensorflow/tfjs";
import { inputAt, numbersAttr } from "./attributes.ts";
import type { KernelAttrs, KernelCall, LocalCall } from "./rule.ts";

type Conv2DArguments = Parameters<typeof backend_util.computeConv2DInfo>;
type Conv3DArguments = Parameters<typeof backend_util.computeConv3DInfo>;

/** The attributes that decide the shape of a convolution in two dims. */
interface Conv2DAttrs {
  readonly strides: Conv2DArguments[2];
  readonly dilations?: Conv2DArguments[3];
  readonly pad: Conv2DArguments[4];
  readonly dimRoundingMode?: Conv2DArguments[5];
  readonly dataFormat?: "NHWC" | "NCHW";
}

/** The same in three dims, where the channels are always last. */
interface Conv3DAttrs {
  readonly strides: Conv3DArguments[2];
  readonly dilations: Conv3DArguments[3];
  readonly pad: Conv3DArguments[4];
}

/** Global shape of the output of `Conv2D` and, with `isDepthwise`, of `DepthwiseConv2dNative`. */
export function conv2DShape(call: KernelCall, isDepthwise = false): readonly number[] {
  const { strides, dilations, pad, dimRoundingMode, dataFormat } = call.attrs as object as Conv2DAttrs;
  const [image, filter] = [inputAt(call, 0).shape, inputAt(call, 1).shape] as [
    Conv2DArguments[0],
    Conv2DArguments[1],
  ];
  return backend_util.computeConv2DInfo(
    image,
    filter,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    isDepthwise,
    backend_util.convertConv2DDataFormat(dataFormat ?? "NHWC"),
  ).outShape;
}

/** Global shape of the output of `Conv3D`. */
export function conv3DShape(call: KernelCall): readonly number[] {
  const { strides, dilations, pad } = call.attrs as object as Conv3DAttrs;
  const [image, filter] = [inputAt(call, 0).shape, inputAt(call, 1).shape] as [
    Conv3DArguments[0],
    Conv3DArguments[1],
  ];
  return backend_util.computeConv3DInfo(image, filter, strides, dilations, pad).outShape;
}

/** The dim of an image that holds the channels. */
export function channelDim(call: KernelCall, ndim: number): number {
  return call.attrs.dataFormat === "NCHW" ? 1 : ndim - 1;
}

/** A shape that the call carries as an attribute. */
export function shapeAttr(call: KernelCall, name: "inputShape" | "filterShape"): readonly number[] {
  return numbersAttr(call, name);
}

/** A gradient kernel is told the shape of its result: on a rank, that of its part. */
export function localShapeAttr(name: "inputShape" | "filterShape"): (local: LocalCall) => KernelAttrs {
  return ({ call, outputs }) => ({ ...call.attrs, [name]: outputs[0]!.localShape });
}

/** Cache key of whatever a convolution or pooling has of these. */
export function windowKey(attrs: KernelAttrs): string {
  const { strides, pad, dilations, dimRoundingMode, dataFormat, filterSize } = attrs;
  const { inputShape, filterShape, activation } = attrs;
  return [
    strides,
    pad,
    dilations,
    dimRoundingMode,
    dataFormat,
    filterSize,
    inputShape,
    filterShape,
    activation,
  ].join("/");
}
