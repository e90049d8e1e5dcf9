/**
 * The layout of a tensor on a mesh: global shape and placements give what each rank holds.
 *
 * A dim split by several axes is split in axis order: the first axis cuts it into chunks, the next cuts each chunk.
 * Every cut follows the `ceil(n / p)` rule, so trailing shards may be short or empty.
 *
 * @packageDocumentation
 */
import type { DataType } from "@tensorflow/tfjs";
import type { MeshGeometry } from "./mesh.ts";
import { formatPlacement, type Placement } from "./placement.ts";

/** A half-open range of global indices along one dim. */
export interface Range {
  readonly start: number;
  readonly size: number;
}

/** The part of `0..n-1` that position `position` of `parts` holds: `ceil(n / parts)` each, the last ones less. */
export function chunk(n: number, parts: number, position: number): Range {
  const width = Math.ceil(n / parts);
  const start = Math.min(n, position * width);
  return { start, size: Math.min(n, start + width) - start };
}

/** The region of the global tensor that one rank holds. Partial and replicated axes do not cut. */
export interface Region {
  /** Shape on the rank. */
  readonly shape: readonly number[];
  /** Global index of its first element, per dim. */
  readonly offset: readonly number[];
}

/** The region that the rank at `coordinate` holds. */
export function regionOf(
  shape: readonly number[],
  placements: readonly Placement[],
  meshShape: readonly number[],
  coordinate: readonly number[],
): Region {
  const size = [...shape];
  const offset = shape.map(() => 0);
  placements.forEach((placement, axis) => {
    if (placement.kind !== "shard") return;
    const part = chunk(size[placement.dim]!, meshShape[axis]!, coordinate[axis]!);
    offset[placement.dim]! += part.start;
    size[placement.dim] = part.size;
  });
  return { shape: size, offset };
}

/** Where a tensor lives: interned by the backend, so that equal layouts are the same object. */
export interface Layout {
  /** Unique among the layouts of one backend. */
  readonly id: number;
  /** Global shape. */
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** `undefined`: a value that is the same on every rank of the world and fits any mesh (a scalar, a constant). */
  readonly mesh: MeshGeometry | undefined;
  /** One per mesh axis; empty without a mesh. */
  readonly placements: readonly Placement[];
  /** Shape on this rank. */
  readonly localShape: readonly number[];
  /** Global index of this rank's first element, per dim. */
  readonly offset: readonly number[];
}

/** `float32[4, 8] on { dp: 2, tp: 2 }: dp Shard(0), tp Replicate()` */
export function formatLayout(layout: Pick<Layout, "shape" | "dtype" | "mesh" | "placements">): string {
  const what = `${layout.dtype}[${layout.shape.join(", ")}]`;
  if (layout.mesh === undefined) return `${what} on every rank`;
  const names = layout.mesh.axisNames;
  return `${what}: ${layout.placements.map((p, axis) => `${names[axis]!} ${formatPlacement(p)}`).join(", ")}`;
}

/** Number of elements of a shape. */
export function numElements(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
}
