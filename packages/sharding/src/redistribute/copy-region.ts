/**
 * Copies a box of elements from one row-major array to another.
 *
 * @packageDocumentation
 */
import type { NumericArray } from "@meshwright/core";

/** A row-major array and the index at which a box starts in it. */
export interface Box {
  readonly data: NumericArray;
  readonly shape: readonly number[];
  readonly offset: readonly number[];
}

/** Copies a box of `size` elements per dim. Trailing dims that both arrays take whole are copied as one run. */
export function copyRegion(from: Box, to: Box, size: readonly number[]): void {
  if (size.includes(0)) return;
  // Dims after `split` are whole in both arrays; together with dim `split` they form one contiguous run.
  let split = size.length - 1;
  let run = 1;
  while (split > 0 && size[split] === from.shape[split] && size[split] === to.shape[split]) {
    run *= size[split]!;
    split--;
  }
  run *= size[split] ?? 1;
  const fromStrides = stridesOf(from.shape);
  const toStrides = stridesOf(to.shape);
  const copyDim = (dim: number, fromAt: number, toAt: number): void => {
    const fromHere = fromAt + (from.offset[dim] ?? 0) * (fromStrides[dim] ?? 1);
    const toHere = toAt + (to.offset[dim] ?? 0) * (toStrides[dim] ?? 1);
    if (dim >= split) {
      to.data.set(from.data.subarray(fromHere, fromHere + run), toHere);
      return;
    }
    for (let i = 0; i < size[dim]!; i++) {
      copyDim(dim + 1, fromHere + i * fromStrides[dim]!, toHere + i * toStrides[dim]!);
    }
  };
  copyDim(0, 0, 0);
}

function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    strides[dim] = stride;
    stride *= shape[dim]!;
  }
  return strides;
}
