/**
 * All layers of experts of a model, and the end of their training step.
 *
 * @packageDocumentation
 */
import { namedModules } from "@meshwright/core";
import { MoELayer } from "./moe-layer.ts";

/**
 * Ends a training step for every `MoELayer` below `model`: call it once per optimizer step, on all ranks, after all
 * micro-batches. It moves the biases of `balance.biasRate` and starts the counts of `balance.globalLoss` anew.
 *
 * @example
 * ```ts
 * const { grads } = gradients(model, lossFn);
 * optimizer.step(grads);
 * finishMoEStep(model);
 * ```
 * @see Wang et al. 2024, "Auxiliary-loss-free load balancing strategy for mixture-of-experts", algorithm 1,
 * https://arxiv.org/abs/2408.15664
 */
export function finishMoEStep(model: object): void {
  for (const layer of moeLayers(model).values()) layer.finishStep();
}

/** All `MoELayer`s below `model`, by path. */
export function moeLayers(model: object): ReadonlyMap<string, MoELayer> {
  const layers = [...namedModules(model)].filter(([, module]) => module instanceof MoELayer);
  return new Map(layers as [string, MoELayer][]);
}
