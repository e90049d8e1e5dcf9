/**
 * Boxes of a local tensor laid one after the other: what collectives send and receive.
 *
 * @packageDocumentation
 */
import type { NumericArray } from "@meshwright/core";
import { numElements, type Region } from "../layout.ts";
import { copyRegion } from "./copy-region.ts";

/** A box inside a tensor, and where it begins in the array of boxes. */
interface PlacedBox {
  readonly shape: readonly number[];
  /** Index of its first element in the tensor, per dim. */
  readonly offset: readonly number[];
  readonly start: number;
}

/** Boxes of one tensor, in a fixed order. */
export interface BoxList {
  /** Shape of the tensor. */
  readonly shape: readonly number[];
  readonly boxes: readonly PlacedBox[];
  /** Elements of all boxes. */
  readonly length: number;
  /** Whether the boxes, one after the other, are the tensor's elements in order: nothing needs to be copied. */
  readonly isWhole: boolean;
}

/** Lists boxes (in global indices) of the tensor that holds `region`. */
export function boxesOf(region: Region, boxes: readonly Region[]): BoxList {
  let start = 0;
  let isWhole = true;
  const placed = boxes.map((box) => {
    const offset = box.offset.map((at, dim) => at - region.offset[dim]!);
    const here = start;
    start += numElements(box.shape);
    isWhole &&= start === here || startOfRun(box.shape, offset, region.shape) === here;
    return { shape: box.shape, offset, start: here };
  });
  isWhole &&= start === numElements(region.shape);
  return { shape: region.shape, boxes: placed, length: start, isWhole };
}

/** The boxes of `data`, one after the other: `data` itself where they already are. */
export function packBoxes(data: NumericArray, { shape, boxes, length, isWhole }: BoxList): NumericArray {
  if (isWhole) return data;
  const packed = new (data.constructor as new (length: number) => NumericArray)(length);
  for (const box of boxes) {
    const target = { data: packed.subarray(box.start), shape: box.shape, offset: box.shape.map(() => 0) };
    copyRegion({ data, shape, offset: box.offset }, target, box.shape);
  }
  return packed;
}

/** The inverse of `packBoxes`. */
export function unpackBoxes(packed: NumericArray, out: NumericArray, { shape, boxes }: BoxList): void {
  for (const box of boxes) {
    const source = { data: packed.subarray(box.start), shape: box.shape, offset: box.shape.map(() => 0) };
    copyRegion(source, { data: out, shape, offset: box.offset }, box.shape);
  }
}

/** Index of the box's first element, if its elements follow each other in the tensor. */
function startOfRun(
  box: readonly number[],
  offset: readonly number[],
  shape: readonly number[],
): number | undefined {
  let start = 0;
  let hasCut = false;
  // From the left: dims of one element, then at most one dim that is cut, then whole dims.
  for (let dim = 0; dim < shape.length; dim++) {
    if (hasCut && box[dim] !== shape[dim]) return undefined;
    if (box[dim] !== 1) hasCut = true;
    start = start * shape[dim]! + offset[dim]!;
  }
  return start;
}
