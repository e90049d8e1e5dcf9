/**
 * Images as matrices: one row per place of the filter, one column per element under it ("im2col"), and back.
 *
 * Legend: N images, OH x OW places, K = h * w * C elements under the filter.
 *
 * ```
 *   image [N, H, W, C]  ->  columns [N * OH * OW, K]        convolution = columns x filter [K, O]
 * ```
 *
 * @packageDocumentation
 */
import { backend_util } from "@tensorflow/tfjs";

type Conv2DArguments = Parameters<typeof backend_util.computeConv2DInfo>;

/** The attributes of both gradient kernels. */
export interface ConvGradientAttrs {
  readonly strides: Conv2DArguments[2];
  readonly pad: Conv2DArguments[4];
  readonly dataFormat?: "NHWC" | "NCHW";
  readonly dimRoundingMode?: Conv2DArguments[5];
}

/** The geometry of a convolution with channels last. */
export interface ConvGeometry {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly top: number;
  readonly left: number;
}

/** Of a convolution of `image` `[N, H, W, C]` with `filter` `[h, w, C, O]`. */
export function convGeometry(
  image: readonly number[],
  filter: readonly number[],
  { strides, pad, dimRoundingMode }: ConvGradientAttrs,
): ConvGeometry {
  const info = backend_util.computeConv2DInfo(
    image as Conv2DArguments[0],
    filter as Conv2DArguments[1],
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  return {
    images: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    channels: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    outChannels: info.outChannels,
    filterHeight: info.filterHeight,
    filterWidth: info.filterWidth,
    strideHeight: info.strideHeight,
    strideWidth: info.strideWidth,
    top: info.padInfo.top,
    left: info.padInfo.left,
  };
}

/** Elements under the filter. */
export function columnsOf({ filterHeight, filterWidth, channels }: ConvGeometry): number {
  return filterHeight * filterWidth * channels;
}

/** Writes the rows of one image; outside the image there are zeros. */
export function imageToColumns(image: Float32Array, columns: Float32Array, geometry: ConvGeometry): void {
  const { filterWidth, channels } = geometry;
  const length = filterWidth * channels;
  forEachFilterRow(geometry, (to, from, first, last) => {
    for (let i = 0; i < first; i++) columns[to + i] = 0;
    for (let i = first; i < last; i++) columns[to + i] = image[from + i]!;
    for (let i = last; i < length; i++) columns[to + i] = 0;
  });
}

/** Adds the rows of one image to where they came from. */
export function addColumnsToImage(columns: Float32Array, image: Float32Array, geometry: ConvGeometry): void {
  forEachFilterRow(geometry, (to, from, first, last) => {
    for (let i = first; i < last; i++) image[from + i]! += columns[to + i]!;
  });
}

/**
 * Visits each row of the filter at each place: its offset in the columns, in the image (of its element 0, which may lie
 * outside), and which of its elements are inside the image.
 */
function forEachFilterRow(
  geometry: ConvGeometry,
  visit: (to: number, from: number, first: number, last: number) => void,
): void {
  const { height, width, channels, outHeight, outWidth, filterHeight, filterWidth } = geometry;
  const { strideHeight, strideWidth, top, left } = geometry;
  let to = 0;
  for (let row = 0; row < outHeight; row++) {
    for (let column = 0; column < outWidth; column++) {
      const x = column * strideWidth - left;
      const first = Math.max(0, -x) * channels;
      const last = Math.max(first, Math.min(filterWidth, width - x) * channels);
      for (let h = 0; h < filterHeight; h++) {
        const y = row * strideHeight - top + h;
        const isInside = y >= 0 && y < height;
        visit(to, (y * width + x) * channels, isInside ? first : 0, isInside ? last : 0);
        to += filterWidth * channels;
      }
    }
  }
}
