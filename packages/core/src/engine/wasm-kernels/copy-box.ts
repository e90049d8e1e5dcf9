/**
 * Copies a box of elements between two tensors with their own strides.
 *
 * @packageDocumentation
 */
import { util, type TensorInfo } from "@tensorflow/tfjs";
import { forEachPoint, joinDims, stridesOf } from "../shape.ts";
import type { WasmContext } from "./wasm-kernel.ts";

/** One end of a copy: a tensor and the index at which the box begins. */
export interface BoxCorner {
  readonly info: TensorInfo;
  readonly begin: readonly number[];
}

/** Copies the box of `sizes` at `from` to the box at `to`; both have as many dims as the box. */
export function copyBox(
  { heap, kernels }: WasmContext,
  sizes: readonly number[],
  { from, to }: { readonly from: BoxCorner; readonly to: BoxCorner },
): void {
  const width = util.bytesPerElement(from.info.dtype);
  const strides = [stridesOf(from.info.shape), stridesOf(to.info.shape)];
  const loop = joinDims({ sizes, steps: strides });
  const dims = loop.sizes.map((size, dim) => ({
    size,
    from: loop.steps[0]![dim]!,
    to: loop.steps[1]![dim]!,
  }));
  const last = dims.at(-1);
  const run = last?.from === 1 && last.to === 1 ? dims.pop()!.size : 1;
  const rows = dims.pop() ?? { size: 1, from: 0, to: 0 };
  const source = heap.address(from.info) + width * offsetOf(from.begin, strides[0]!);
  const target = heap.address(to.info) + width * offsetOf(to.begin, strides[1]!);
  const outer = { sizes: dims.map((d) => d.size), steps: [dims.map((d) => d.from), dims.map((d) => d.to)] };
  if (sizes.includes(0)) return;
  forEachPoint(outer, ([a, b]) => {
    kernels.copyRows(
      source + width * a!,
      width * rows.from,
      target + width * b!,
      width * rows.to,
      rows.size,
      width * run,
    );
  });
}

function offsetOf(index: readonly number[], strides: readonly number[]): number {
  return index.reduce((sum, i, dim) => sum + i * strides[dim]!, 0);
}
