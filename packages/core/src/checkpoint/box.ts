/**
 * Boxes: parts of tensors, as pieces of a checkpoint and as what a rank wants of it.
 *
 * @packageDocumentation
 */
import { elementCount, forEachRun } from "../random/region.ts";

/** A part of a row-major tensor. Both have one entry per dim. */
export interface Box {
  readonly shape: readonly number[];
  /** Global index of the first element. */
  readonly offset: readonly number[];
}

/** Number of elements of a shape; 1 for a scalar. */
export const numElements = elementCount;

/** The box that is the whole tensor. */
export function wholeBox(shape: readonly number[]): Box {
  return { shape, offset: shape.map(() => 0) };
}

/** Whether two boxes are the same part. */
export function sameBox(a: Box, b: Box): boolean {
  return a.shape.join() === b.shape.join() && a.offset.join() === b.offset.join();
}

/** What two boxes share; undefined if nothing. */
export function intersect(a: Box, b: Box): Box | undefined {
  const offset = a.offset.map((start, dim) => Math.max(start, b.offset[dim]!));
  const shape = offset.map(
    (start, dim) => Math.min(a.offset[dim]! + a.shape[dim]!, b.offset[dim]! + b.shape[dim]!) - start,
  );
  return shape.some((size) => size <= 0) ? undefined : { shape, offset };
}

/** The same part, with indices counted from the start of `outer`. */
export function relativeTo(box: Box, outer: Box): Box {
  return { shape: box.shape, offset: box.offset.map((start, dim) => start - outer.offset[dim]!) };
}

/** `[0:4, 6:12]`: the global indices of the box. */
export function formatBox({ shape, offset }: Box): string {
  return `[${shape.map((size, dim) => `${offset[dim]!}:${offset[dim]! + size}`).join(", ")}]`;
}

/** Copies `box`, whose elements `from` holds row-major, to its place in `to`, which holds `outer`. */
export function placeBox(
  from: Uint8Array,
  to: Uint8Array,
  { box, outer, elementSize }: { readonly box: Box; readonly outer: Box; readonly elementSize: number },
): void {
  const { shape, offset } = relativeTo(box, outer);
  forEachRun({ globalShape: outer.shape, localShape: shape, offset }, (start, at, length) => {
    to.set(from.subarray(at * elementSize, (at + length) * elementSize), start * elementSize);
  });
}

/** Two boxes that share elements. */
export function findOverlap<B extends Box>(boxes: readonly B[]): readonly [B, B] | undefined {
  for (let i = 0; i < boxes.length; i++) {
    for (let j = 0; j < i; j++) {
      if (intersect(boxes[i]!, boxes[j]!) !== undefined) return [boxes[j]!, boxes[i]!];
    }
  }
  return undefined;
}
