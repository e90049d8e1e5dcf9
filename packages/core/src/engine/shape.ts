/**
 * Arithmetic on shapes that the engine's kernels share. All shapes are row-major.
 *
 * @packageDocumentation
 */

/** The number of elements; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dim of shape) size *= dim;
  return size;
}

/** The distance in elements between neighbours along each dim. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    strides[dim] = stride;
    stride *= shape[dim]!;
  }
  return strides;
}

/** A loop over a box: `sizes`, outermost first, and for each operand the step in elements that each dim makes. */
export interface Loop {
  readonly sizes: readonly number[];
  readonly steps: readonly (readonly number[])[];
}

/** Calls `visit` with every operand's offset at each point of the box, in row-major order. */
export function forEachPoint({ sizes, steps }: Loop, visit: (offsets: readonly number[]) => void): void {
  const offsets = new Array<number>(steps.length).fill(0);
  if (sizes.length === 0) {
    visit(offsets);
    return;
  }
  if (sizes.includes(0)) return;
  const index = new Array<number>(sizes.length).fill(0);
  for (;;) {
    visit(offsets);
    let dim = sizes.length - 1;
    for (; dim >= 0; dim--) {
      const wraps = index[dim] === sizes[dim]! - 1;
      const moved = wraps ? -index[dim]! : 1;
      index[dim] = index[dim]! + moved;
      for (let k = 0; k < steps.length; k++) offsets[k] = offsets[k]! + moved * steps[k]![dim]!;
      if (!wraps) break;
    }
    if (dim < 0) return;
  }
}

/** The same loop with neighbouring dims joined wherever every operand steps through them as through one. */
export function joinDims({ sizes, steps }: Loop): Loop {
  const joinedSizes: number[] = [];
  const joinedSteps = steps.map((): number[] => []);
  for (let dim = 0; dim < sizes.length; dim++) {
    const size = sizes[dim]!;
    if (size === 1) continue;
    const last = joinedSizes.length - 1;
    let joins = last >= 0;
    for (let k = 0; joins && k < steps.length; k++) joins = joinedSteps[k]![last] === steps[k]![dim]! * size;
    const to = joins ? last : last + 1;
    joinedSizes[to] = joins ? joinedSizes[last]! * size : size;
    for (let k = 0; k < steps.length; k++) joinedSteps[k]![to] = steps[k]![dim]!;
  }
  return { sizes: joinedSizes, steps: joinedSteps };
}

/** The steps of an operand of shape `from` that is broadcast to shape `to`. */
export function broadcastSteps(from: readonly number[], to: readonly number[]): number[] {
  const strides = stridesOf(from);
  const missing = to.length - from.length;
  return to.map((_, dim) => (dim < missing || from[dim - missing] === 1 ? 0 : strides[dim - missing]!));
}
