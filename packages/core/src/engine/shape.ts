/**
 * Arithmetic on shapes that the engine's kernels share. All shapes are row-major.
 *
 * @packageDocumentation
 */

/** The number of elements; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The distance in elements between neighbours along each dim. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let dim = shape.length - 2; dim >= 0; dim--) strides[dim] = strides[dim + 1]! * shape[dim + 1]!;
  return strides;
}

/** A loop over a box: `sizes`, outermost first, and for each operand the step in elements that each dim makes. */
export interface Loop {
  readonly sizes: readonly number[];
  readonly steps: readonly (readonly number[])[];
}

/** Calls `visit` with every operand's offset at each point of the box, in row-major order. */
export function forEachPoint({ sizes, steps }: Loop, visit: (offsets: readonly number[]) => void): void {
  if (sizes.includes(0)) return;
  const index = sizes.map(() => 0);
  const offsets = steps.map(() => 0);
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
  for (const [dim, size] of sizes.entries()) {
    if (size === 1) continue;
    const last = joinedSizes.length - 1;
    const joins = last >= 0 && steps.every((step, k) => joinedSteps[k]![last] === step[dim]! * size);
    if (joins) {
      joinedSizes[last] = joinedSizes[last]! * size;
      for (const [k, step] of steps.entries()) joinedSteps[k]![last] = step[dim]!;
    } else {
      joinedSizes.push(size);
      for (const [k, step] of steps.entries()) joinedSteps[k]!.push(step[dim]!);
    }
  }
  return { sizes: joinedSizes, steps: joinedSteps };
}

/** The steps of an operand of shape `from` that is broadcast to shape `to`. */
export function broadcastSteps(from: readonly number[], to: readonly number[]): number[] {
  const strides = stridesOf(from);
  const missing = to.length - from.length;
  return to.map((_, dim) => (dim < missing || from[dim - missing] === 1 ? 0 : strides[dim - missing]!));
}
