/**
 * Broadcasting: which dim of an input stands under which dim of the output.
 *
 * Shapes are aligned at their last dims; a missing dim, or one of size 1 under a larger one, is repeated.
 *
 * @packageDocumentation
 */
import { backend_util } from "@tensorflow/tfjs";
import type { SplitDim } from "./strategy.ts";

/** The shape that all `shapes` broadcast to. */
export function broadcastShape(shapes: readonly (readonly number[])[]): readonly number[] {
  return shapes.reduce((a, b) => backend_util.assertAndGetBroadcastShape([...a], [...b]));
}

/** The dim of `shape` that is split when dim `outputDim` of `output` is, or `undefined` where it is repeated. */
export function alignedDim(shape: readonly number[], output: readonly number[], outputDim: number): SplitDim {
  const dim = outputDim - (output.length - shape.length);
  return dim >= 0 && shape[dim] === output[outputDim] ? dim : undefined;
}
