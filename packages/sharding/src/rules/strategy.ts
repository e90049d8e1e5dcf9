/**
 * Building blocks of strategies.
 *
 * @packageDocumentation
 */
import { Partial, Replicate, Shard, type PartialOp, type Placement } from "../placement.ts";
import type { AxisStrategy } from "./rule.ts";

/** The dim along which a tensor is split, or `undefined` where it stays whole. */
export type SplitDim = number | undefined;

/** All ways in which partial values combine. */
export const PARTIAL_OPS: readonly PartialOp[] = Object.freeze(["sum", "max", "min"]);

/** Every tensor is split along its dim, or whole. */
export function sharded(inputs: readonly SplitDim[], outputs: readonly SplitDim[]): AxisStrategy {
  return { inputs: inputs.map(shardOrWhole), outputs: outputs.map(shardOrWhole) };
}

/** Every tensor is partial, or whole. */
export function partial(
  inputs: readonly (PartialOp | undefined)[],
  outputs: readonly (PartialOp | undefined)[],
): AxisStrategy {
  return { inputs: inputs.map(partialOrWhole), outputs: outputs.map(partialOrWhole) };
}

/** Split inputs give partial outputs: a reduction over the split dim. */
export function reduced(inputs: readonly SplitDim[], outputs: readonly PartialOp[]): AxisStrategy {
  return { inputs: inputs.map(shardOrWhole), outputs: outputs.map(partialOrWhole) };
}

/**
 * A kernel that only moves elements: all inputs partial in the same way give outputs that are partial in that way.
 */
export function passPartials(numInputs: number, numOutputs: number): AxisStrategy[] {
  return PARTIAL_OPS.map((op) =>
    partial(new Array<PartialOp>(numInputs).fill(op), new Array<PartialOp>(numOutputs).fill(op)),
  );
}

/** The dims `0..ndim-1` that `keep` accepts. */
export function dimsWhere(ndim: number, keep: (dim: number) => boolean): number[] {
  return Array.from({ length: ndim }, (_, dim) => dim).filter(keep);
}

function shardOrWhole(dim: SplitDim): Placement {
  return dim === undefined ? Replicate() : Shard(dim);
}

function partialOrWhole(op: PartialOp | undefined): Placement {
  return op === undefined ? Replicate() : Partial(op);
}
