/**
 * Every kernel that the tensorflow engine registers over the stock ones, and beside them.
 *
 * @packageDocumentation
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import {
  getKernel,
  registerKernel,
  unregisterKernel,
  type KernelBackend,
  type KernelFunc,
} from "@tensorflow/tfjs";
import { InternalError } from "../../errors.ts";
import { composedKernels } from "./composed.ts";
import { embeddingKernels } from "./embedding.ts";
import { fusedKernels } from "./fused.ts";
import { linearKernels } from "./linear.ts";
import { FUSED_KERNELS_FILE } from "./native-sources.ts";
import { NativeBackend } from "./native-backend.ts";
import type { TensorflowKernel } from "./tensorflow-kernel.ts";

/**
 * Registers the kernels for the backend.
 *
 * @param options - `folder`: of the addon, where the library of fused operations lies if it was built
 * @returns whether the fused operations are in use
 */
export function registerTensorflowKernels(
  backendName: string,
  backend: KernelBackend,
  options: { readonly folder?: string | undefined } = {},
): boolean {
  const native = new NativeBackend(backend);
  // They are operations of the CPU device: on a GPU, tensors would go to and fro.
  const isFused = !native.usesGpu && loadFusedOperations(options.folder);
  for (const kernel of tensorflowKernels(isFused)) register(kernel, backendName, native);
  return isFused;
}

/** The kernels, with the fused operations or without. */
export function tensorflowKernels(isFused: boolean): readonly TensorflowKernel[] {
  return [...linearKernels, ...embeddingKernels, ...(isFused ? fusedKernels : composedKernels)];
}

/** Whether the operations of `native/` are known to TensorFlow in this process now. */
function loadFusedOperations(folder: string | undefined): boolean {
  const file = folder === undefined ? undefined : join(folder, FUSED_KERNELS_FILE);
  if (file === undefined || !existsSync(file)) return false;
  try {
    const library = createRequire(import.meta.url)(file) as { readonly registered?: boolean };
    return library.registered === true;
  } catch {
    // Built for another machine or TensorFlow: the composed kernels do the same.
    return false;
  }
}

function register(
  { kernelName, kernelFunc }: TensorflowKernel,
  backendName: string,
  native: NativeBackend,
): void {
  // tfjs types the look-up as always successful; it returns undefined for a name that is not registered.
  const found = getKernel(kernelName, backendName) as ReturnType<typeof getKernel> | undefined;
  if (found !== undefined) unregisterKernel(kernelName, backendName);
  const stock: KernelFunc =
    found?.kernelFunc ??
    (() => {
      throw new InternalError(`the tensorflow engine has no stock kernel ${kernelName}`);
    });
  registerKernel({ kernelName, backendName, kernelFunc: kernelFunc(native, stock) });
}
