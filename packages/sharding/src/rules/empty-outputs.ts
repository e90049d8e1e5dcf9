/**
 * The outputs of a local step that has no rows to work on.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import type { LocalCall, LocalKernels } from "./rule.ts";

/** All outputs; what has elements all the same, a sum over no rows, holds 0. */
export function emptyOutputs(kernels: LocalKernels, local: LocalCall): TensorInfo[] {
  return local.outputs.map(({ localShape, dtype }) =>
    kernels.create(localShape, dtype, (out) => out.fill(0)),
  );
}
