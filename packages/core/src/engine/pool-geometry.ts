/**
 * The geometry of a pooling, from the attributes of its kernel.
 *
 * @packageDocumentation
 */
import { backend_util } from "@tensorflow/tfjs";

/** A pooling over three dims of space; one in two has depth 1. */
export interface PoolGeometry {
  readonly batch: number;
  readonly channels: number;
  /** Depth, height and width, each. */
  readonly input: readonly [number, number, number];
  readonly output: readonly [number, number, number];
  readonly window: readonly [number, number, number];
  readonly strides: readonly [number, number, number];
  /** Rows of padding before the first. */
  readonly padding: readonly [number, number, number];
}

/** What is read and written; lengths as the geometry says. */
export interface PoolGradientValues {
  readonly x: ArrayLike<number>;
  readonly dy: ArrayLike<number>;
  readonly dx: Float32Array;
}

type Pool2DArguments = Parameters<typeof backend_util.computePool2DInfo>;
type Pool3DArguments = Parameters<typeof backend_util.computePool3DInfo>;

/** Attributes of `MaxPoolGrad`. */
export interface Pool2DAttrs {
  readonly filterSize: Pool2DArguments[1];
  readonly strides: Pool2DArguments[2];
  readonly pad: Pool2DArguments[4];
  readonly dimRoundingMode?: Pool2DArguments[5];
}

/** Attributes of `MaxPool3DGrad`. */
export interface Pool3DAttrs {
  readonly filterSize: Pool3DArguments[1];
  readonly strides: Pool3DArguments[2];
  readonly pad: Pool3DArguments[4];
  readonly dimRoundingMode?: Pool3DArguments[5];
}

/** Of a pooling over `[N, H, W, C]`. */
export function pool2DGeometry(
  shape: readonly number[],
  { filterSize, strides, pad, dimRoundingMode }: Pool2DAttrs,
): PoolGeometry {
  const image = shape as Pool2DArguments[0];
  const info = backend_util.computePool2DInfo(image, filterSize, strides, 1, pad, dimRoundingMode);
  return {
    batch: info.batchSize,
    channels: info.inChannels,
    input: [1, info.inHeight, info.inWidth],
    output: [1, info.outHeight, info.outWidth],
    window: [1, info.effectiveFilterHeight, info.effectiveFilterWidth],
    strides: [1, info.strideHeight, info.strideWidth],
    padding: [0, info.padInfo.top, info.padInfo.left],
  };
}

/** Of a pooling over `[N, D, H, W, C]`. */
export function pool3DGeometry(
  shape: readonly number[],
  { filterSize, strides, pad, dimRoundingMode }: Pool3DAttrs,
): PoolGeometry {
  const volume = shape as Pool3DArguments[0];
  const info = backend_util.computePool3DInfo(volume, filterSize, strides, 1, pad, dimRoundingMode);
  return {
    batch: info.batchSize,
    channels: info.inChannels,
    input: [info.inDepth, info.inHeight, info.inWidth],
    output: [info.outDepth, info.outHeight, info.outWidth],
    window: [info.effectiveFilterDepth, info.effectiveFilterHeight, info.effectiveFilterWidth],
    strides: [info.strideDepth, info.strideHeight, info.strideWidth],
    padding: [info.padInfo.front, info.padInfo.top, info.padInfo.left],
  };
}
