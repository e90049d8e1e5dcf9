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
import type { LendingLibrary } from "../tensorflow/lent-memory.ts";
import { composedKernels } from "./composed.ts";
import { embeddingKernels } from "./embedding.ts";
import { fusedKernels } from "./fused.ts";
import { linearKernels } from "./linear.ts";
import { FUSED_KERNELS_FILE } from "./native-sources.ts";
import { NativeBackend } from "./native-backend.ts";
import type { TensorflowKernel } from "./tensorflow-kernel.ts";

/** What the library of fused operations brings; one that an older version of this package built may lack functions. */
export interface FusedLibrary extends Partial<LendingLibrary> {
  readonly revision?: number;
}

/**
 * Registers the kernels for the backend.
 *
 * @param options - `folder`: of the addon, where the library of fused operations lies if it was built
 * @returns the library of fused operations; undefined where they are not in use
 */
export function registerTensorflowKernels(
  backendName: string,
  backend: KernelBackend,
  options: { readonly folder?: string | undefined } = {},
): FusedLibrary | undefined {
  const native = new NativeBackend(backend);
  // They are operations of the CPU device: on a GPU, tensors would go to and fro.
  const library = native.usesGpu ? undefined : loadFusedOperations(options.folder);
  for (const kernel of tensorflowKernels(revisionOf(library))) register(kernel, backendName, native);
  return library;
}

/** The kernels, with the fused operations of this revision, or without: 0. */
export function tensorflowKernels(revision: number): readonly TensorflowKernel[] {
  return [
    ...linearKernels,
    ...embeddingKernels,
    ...(revision > 0 ? fusedKernels(revision) : composedKernels),
  ];
}

/** The first one did not say. */
export function revisionOf(library: FusedLibrary | undefined): number {
  return library === undefined ? 0 : (library.revision ?? 1);
}

/** Loads the library, whose operations TensorFlow in this process knows from then on. */
function loadFusedOperations(folder: string | undefined): FusedLibrary | undefined {
  const file = folder === undefined ? undefined : join(folder, FUSED_KERNELS_FILE);
  if (file === undefined || !existsSync(file)) return undefined;
  try {
    const library = createRequire(import.meta.url)(file) as FusedLibrary & { readonly registered?: boolean };
    return library.registered === true ? library : undefined;
  } catch {
    // Built for another machine or TensorFlow: the composed kernels do the same.
    return undefined;
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
