/**
 * Gradients of `Conv2D` as products of matrices: tfjs' wasm backend has none for the filter, and a slow one for the
 * input.
 *
 * Legend: N images, R = OH * OW places in each, K = h * w * C elements under the filter, O output channels.
 *
 * ```
 *   filter:  [K, O] = columns(x) [N * R, K]^T  x  dy [N * R, O]
 *   input:   columns(dx) [N * R, K] = dy [N * R, O]  x  filter [K, O]^T
 * ```
 *
 * A few images at a time, so that their columns stay in the cache.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import {
  addColumnsToImage,
  columnsOf,
  convGeometry,
  imageToColumns,
  type ConvGeometry,
  type ConvGradientAttrs,
} from "./image-columns.ts";
import { wasmKernel, type WasmContext } from "./wasm-kernel.ts";

/** Columns of one round: about the second-level cache. */
const ROUND_BYTES = 1 << 19;
const FLOAT_BYTES = 4;

/** Addresses of a round's columns, of its own result, and of the product's scratch. */
interface Round {
  readonly images: number;
  readonly columns: number;
  readonly partial: number;
  readonly scratch: number;
}

function planRound(
  { heap, kernels }: WasmContext,
  geometry: ConvGeometry,
  product: "filter" | "input",
): Round {
  const k = columnsOf(geometry);
  const rows = geometry.outHeight * geometry.outWidth;
  const images = Math.max(1, Math.min(geometry.images, Math.floor(ROUND_BYTES / (rows * k * FLOAT_BYTES))));
  const sizes =
    product === "filter"
      ? ([k, geometry.outChannels, images * rows] as const)
      : ([images * rows, k, geometry.outChannels] as const);
  const columnBytes = align(images * rows * k * FLOAT_BYTES);
  const partialBytes = align(k * geometry.outChannels * FLOAT_BYTES);
  const start = heap.scratch(columnBytes + partialBytes + kernels.gemmScratchBytes(...sizes));
  return {
    images,
    columns: start,
    partial: start + columnBytes,
    scratch: start + columnBytes + partialBytes,
  };
}

function align(bytes: number): number {
  return Math.ceil(bytes / 16) * 16;
}

function floatsAt({ heap }: WasmContext, address: number, length: number): Float32Array {
  return new Float32Array(heap.memory.buffer, address, length);
}

/** `dfilter [h, w, C, O]` from `x [N, H, W, C]` and `dy [N, OH, OW, O]`. */
export const conv2DBackpropFilter = wasmKernel("Conv2DBackpropFilter", (call) => {
  const { x, dy } = call.inputs as Record<"x" | "dy", TensorInfo>;
  const attrs = call.attrs as object as ConvGradientAttrs & { readonly filterShape: number[] };
  if (attrs.dataFormat === "NCHW" || x.dtype !== "float32" || dy.dtype !== "float32") return call.stock();
  const geometry = convGeometry(x.shape, attrs.filterShape, attrs);
  const out = call.heap.output(attrs.filterShape, "float32");
  sumFilterGradient(call, geometry, { x, dy, out });
  return out;
});

function sumFilterGradient(
  context: WasmContext,
  geometry: ConvGeometry,
  { x, dy, out }: Readonly<Record<"x" | "dy" | "out", TensorInfo>>,
): void {
  const { heap, kernels } = context;
  const { height, width, channels, outHeight, outWidth, outChannels } = geometry;
  const k = columnsOf(geometry);
  const rows = outHeight * outWidth;
  const round = planRound(context, geometry, "filter");
  const total = floatsAt(context, heap.address(out), k * outChannels);
  const partial = floatsAt(context, round.partial, k * outChannels);
  total.fill(0);
  for (let first = 0; first < geometry.images; first += round.images) {
    const images = Math.min(round.images, geometry.images - first);
    for (let i = 0; i < images; i++) {
      const size = height * width * channels;
      const image = floatsAt(context, heap.address(x) + (first + i) * size * FLOAT_BYTES, size);
      const columns = floatsAt(context, round.columns + i * rows * k * FLOAT_BYTES, rows * k);
      imageToColumns(image, columns, geometry);
    }
    const part = heap.address(dy) + first * rows * outChannels * FLOAT_BYTES;
    kernels.gemm(
      ...([round.columns, 1, k, part, outChannels, 1] as const),
      ...([round.partial, k, outChannels, images * rows, round.scratch] as const),
    );
    for (let i = 0; i < total.length; i++) total[i]! += partial[i]!;
  }
}

/** `dx [N, H, W, C]` from `dy [N, OH, OW, O]` and `filter [h, w, C, O]`. */
export const conv2DBackpropInput = wasmKernel("Conv2DBackpropInput", (call) => {
  const { dy, filter } = call.inputs as Record<"dy" | "filter", TensorInfo>;
  const attrs = call.attrs as object as ConvGradientAttrs & { readonly inputShape: number[] };
  if (attrs.dataFormat === "NCHW" || dy.dtype !== "float32" || filter.dtype !== "float32")
    return call.stock();
  const geometry = convGeometry(attrs.inputShape, filter.shape, attrs);
  const out = call.heap.output(attrs.inputShape, "float32");
  sumInputGradient(call, geometry, { dy, filter, out });
  return out;
});

function sumInputGradient(
  context: WasmContext,
  geometry: ConvGeometry,
  { dy, filter, out }: Readonly<Record<"dy" | "filter" | "out", TensorInfo>>,
): void {
  const { heap, kernels } = context;
  const { height, width, channels, outHeight, outWidth, outChannels } = geometry;
  const k = columnsOf(geometry);
  const rows = outHeight * outWidth;
  const round = planRound(context, geometry, "input");
  const size = height * width * channels;
  floatsAt(context, heap.address(out), geometry.images * size).fill(0);
  for (let first = 0; first < geometry.images; first += round.images) {
    const images = Math.min(round.images, geometry.images - first);
    const part = heap.address(dy) + first * rows * outChannels * FLOAT_BYTES;
    kernels.gemm(
      ...([part, outChannels, 1, heap.address(filter), 1, outChannels] as const),
      ...([round.columns, images * rows, k, outChannels, round.scratch] as const),
    );
    for (let i = 0; i < images; i++) {
      const image = floatsAt(context, heap.address(out) + (first + i) * size * FLOAT_BYTES, size);
      const columns = floatsAt(context, round.columns + i * rows * k * FLOAT_BYTES, rows * k);
      addColumnsToImage(columns, image, geometry);
    }
  }
}
