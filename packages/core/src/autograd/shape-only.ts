/**
 * Kernels for whose gradient tfjs saves whole tensors, and reads only their shapes.
 *
 * A shape can be read of a disposed tensor too, so their data need not wait for the backward pass: in a transformer that
 * is every product before its bias, and every branch before its residual sum.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import type { TapeNode } from "./tape-node.ts";

/** As of tfjs-core 4.22, `dist/gradients`; `shape-only.test.ts` runs each of them on disposed tensors. */
const SHAPE_ONLY: ReadonlySet<string> = new Set([
  "Add",
  "AddN",
  "Concat",
  "ExpandDims",
  "Mean",
  "Pack",
  "PadV2",
  "Reshape",
  "Slice",
  "Sub",
  "Sum",
]);

/** The saved tensors whose data the gradient reads. */
export function neededData({ kernelName, saved }: TapeNode): readonly Tensor[] {
  return SHAPE_ONLY.has(kernelName) ? [] : saved;
}
