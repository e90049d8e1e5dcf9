/**
 * Engines differ in the type that some kernels give; sharded, it is what the rule says.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import type { LocalCall, LocalKernels } from "./rule.ts";

/** A local step: the plain kernel, its outputs cast to the types of the rule. */
export function castOutputs(
  kernels: LocalKernels,
  inputs: readonly TensorInfo[],
  { call, outputs }: LocalCall,
): TensorInfo[] {
  const named = Object.fromEntries(inputs.map((info, i) => [call.inputs[i]!.name, info]));
  return kernels.run(call.kernel, named, call.attrs).map((info, i) => {
    const { dtype } = outputs[i]!;
    if (info.dtype === dtype) return info;
    const cast = kernels.run("Cast", { x: info }, { dtype })[0]!;
    kernels.dispose(info);
    return cast;
  });
}
