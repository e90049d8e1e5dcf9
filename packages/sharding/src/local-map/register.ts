/**
 * Registers the kernels of local code with tfjs, on first use.
 *
 * @packageDocumentation
 */
import { getGradient, registerGradient, registerKernel } from "@tensorflow/tfjs";
import { findKernel } from "../backend/engine-door.ts";
import { SHARDED } from "../backend/sharded-backend.ts";
import { boundaryGradients, boundaryKernels } from "./boundary-kernels.ts";
import { collectiveGradients, collectiveKernels } from "./collective-kernels.ts";

/** Registers what is not registered yet. */
export function registerLocalKernels(): void {
  for (const kernel of [...boundaryKernels, ...collectiveKernels]) {
    if (findKernel(kernel.kernelName, SHARDED) === undefined) registerKernel(kernel);
  }
  for (const gradient of [...boundaryGradients, ...collectiveGradients]) {
    // tfjs types the look-up as always successful; it returns undefined for a name that is not registered.
    const found: unknown = getGradient(gradient.kernelName);
    if (found === undefined) registerGradient(gradient);
  }
}
