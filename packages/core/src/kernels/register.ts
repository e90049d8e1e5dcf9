/**
 * Registers the fused kernels and their gradients with tfjs. Nothing is registered by importing this file.
 *
 * @packageDocumentation
 */
import { getGradient, getKernel, registerGradient, registerKernel, type GradConfig } from "@tensorflow/tfjs";
import { adamWUpdateReference } from "./adamw-update.ts";
import {
  causalSoftmaxGradConfig,
  causalSoftmaxGradReference,
  causalSoftmaxReference,
} from "./causal-softmax.ts";
import { crossEntropyLossReference, crossEntropySumsReference } from "./cross-entropy-parts.ts";
import { crossEntropyGradConfig, crossEntropyGradReference, crossEntropyReference } from "./cross-entropy.ts";
import { dropoutGradConfig, dropoutReference } from "./dropout.ts";
import {
  embeddingLookupGradConfig,
  embeddingLookupGradReference,
  embeddingLookupReference,
} from "./embedding-lookup.ts";
import { geluGradConfig, geluGradReference, geluReference } from "./gelu.ts";
import {
  groupedLinearGradConfig,
  groupedLinearGradWeightGradConfig,
  groupedLinearGradWeightReference,
  groupedLinearReference,
} from "./grouped-linear.ts";
import { layerNormGradConfig, layerNormGradReference, layerNormReference } from "./layer-norm.ts";
import {
  linearGradConfig,
  linearGradWeightGradConfig,
  linearGradWeightReference,
  linearReference,
} from "./linear.ts";
import { randomScaleGradConfig, randomScaleReference } from "./random-scale.ts";
import type { KernelMemory, ReferenceKernel } from "./reference.ts";
import { rmsNormGradConfig, rmsNormGradReference, rmsNormReference } from "./rms-norm.ts";
import { rotaryEmbeddingGradConfig, rotaryEmbeddingReference } from "./rotary-embedding.ts";

/** All fused kernels, by their reference implementations. */
export const referenceKernels: readonly ReferenceKernel[] = [
  layerNormReference,
  layerNormGradReference,
  rmsNormReference,
  rmsNormGradReference,
  geluReference,
  geluGradReference,
  causalSoftmaxReference,
  causalSoftmaxGradReference,
  crossEntropyReference,
  crossEntropyGradReference,
  crossEntropySumsReference,
  crossEntropyLossReference,
  embeddingLookupReference,
  embeddingLookupGradReference,
  rotaryEmbeddingReference,
  dropoutReference,
  adamWUpdateReference,
  linearReference,
  linearGradWeightReference,
  groupedLinearReference,
  groupedLinearGradWeightReference,
  randomScaleReference,
];

/** The gradients of the differentiable fused kernels. */
export const kernelGradients: readonly GradConfig[] = [
  layerNormGradConfig,
  rmsNormGradConfig,
  geluGradConfig,
  causalSoftmaxGradConfig,
  crossEntropyGradConfig,
  embeddingLookupGradConfig,
  rotaryEmbeddingGradConfig,
  dropoutGradConfig,
  linearGradConfig,
  linearGradWeightGradConfig,
  groupedLinearGradConfig,
  groupedLinearGradWeightGradConfig,
  randomScaleGradConfig,
];

/**
 * Registers the reference kernels for one backend. A kernel that the backend already has stays, so calling this twice
 * does nothing, and an engine that registers its own faster kernels first keeps them.
 *
 * @param options - `skip`: kernel names to leave out
 */
export function registerKernels(
  backendName: string,
  memory: KernelMemory,
  options: { readonly skip?: readonly string[] } = {},
): void {
  for (const { kernelName, kernelFunc } of referenceKernels) {
    if (options.skip?.includes(kernelName) === true || hasKernel(kernelName, backendName)) continue;
    registerKernel({ kernelName, backendName, kernelFunc: kernelFunc(memory) });
  }
}

/** Registers the gradients, once for all backends. A gradient that exists stays, so calling this twice does nothing. */
export function registerKernelGradients(): void {
  for (const config of kernelGradients) {
    if (!hasGradient(config.kernelName)) registerGradient(config);
  }
}

// tfjs types both lookups as always successful; they return undefined for a name that is not registered.
function hasKernel(kernelName: string, backendName: string): boolean {
  const found: unknown = getKernel(kernelName, backendName);
  return found !== undefined;
}

function hasGradient(kernelName: string): boolean {
  const found: unknown = getGradient(kernelName);
  return found !== undefined;
}
