/**
 * A region: the box of a global tensor that one rank holds, as runs of consecutive global elements.
 *
 * @packageDocumentation
 */
import { ContractError } from "../errors.ts";

/** A box inside a row-major tensor. All three have one entry per dim. */
export interface Region {
  readonly globalShape: readonly number[];
  readonly localShape: readonly number[];
  /** Global index of the first local element. */
  readonly offset: readonly number[];
}

/** The number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The region that is the whole tensor. */
export function wholeRegion(shape: readonly number[]): Region {
  return { globalShape: shape, localShape: shape, offset: shape.map(() => 0) };
}

/**
 * Checks that the box lies inside the tensor.
 *
 * @throws ContractError if the numbers of dims differ, or if the box leaves the tensor in some dim.
 */
export function checkRegion(where: string, { globalShape, localShape, offset }: Region): void {
  if (localShape.length !== globalShape.length || offset.length !== globalShape.length) {
    throw new ContractError(
      `${where}: localShape ([${localShape.join(", ")}]) and offset ([${offset.join(", ")}]) must have one entry per dim of globalShape ([${globalShape.join(", ")}]); use the layout of the tensor.`,
    );
  }
  globalShape.forEach((size, dim) => {
    const start = offset[dim]!;
    const end = start + localShape[dim]!;
    if (start < 0 || end < start || end > size) {
      throw new ContractError(
        `${where}: dim ${dim} of the region (${start} to ${end}) must lie inside the global size (${size}); use the layout of the tensor.`,
      );
    }
  });
}

/**
 * Calls `visit(globalStart, localStart, length)` for each maximal run of local elements that are consecutive in the
 * global tensor too, in local order. Indices are flat, row-major.
 */
export function forEachRun(
  { globalShape, localShape, offset }: Region,
  visit: (globalStart: number, localStart: number, length: number) => void,
): void {
  const total = elementCount(localShape);
  if (total === 0) return;
  const strides = stridesOf(globalShape);
  // Dims after `split` are whole, so they and dim `split` form one run.
  let split = globalShape.length - 1;
  while (split > 0 && localShape[split] === globalShape[split]) split--;
  const length = elementCount(localShape.slice(Math.max(split, 0)));
  const outer = localShape.slice(0, Math.max(split, 0));
  const index = outer.map(() => 0);
  const base = offset.reduce((sum, start, dim) => sum + start * strides[dim]!, 0);
  for (let local = 0; local < total; local += length) {
    visit(
      index.reduce((sum, i, dim) => sum + i * strides[dim]!, base),
      local,
      length,
    );
    advance(index, outer);
  }
}

function stridesOf(shape: readonly number[]): readonly number[] {
  const strides = shape.map(() => 1);
  for (let dim = shape.length - 2; dim >= 0; dim--) strides[dim] = strides[dim + 1]! * shape[dim + 1]!;
  return strides;
}

/** Moves a multi-index to the next position in row-major order, wrapping at the end. */
function advance(index: number[], shape: readonly number[]): void {
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    index[dim] = index[dim]! + 1;
    if (index[dim]! < shape[dim]!) return;
    index[dim] = 0;
  }
}
