/**
 * How many parameters a model with experts has, and how many of them a token meets.
 *
 * @packageDocumentation
 */
import { countParameters } from "@meshwright/core";
import { moeLayers } from "../moe-layers.ts";

/** All parameters below `model`, counted in the global view; no values need exist yet. */
export function totalParameters(model: object): number {
  return countParameters(model);
}

/**
 * The parameters that act on a token: all but the experts that it is not sent to, `(E - K) / E` of every stack.
 *
 * Embeddings count whole, as in Mixtral's 12.9 of 46.7 billion.
 *
 * @example
 * ```ts
 * const model = moeLlama(MIXTRAL_8X7B); // allocates nothing
 * activeParameters(model) / totalParameters(model); // 0.276
 * ```
 */
export function activeParameters(model: object): number {
  const idle = [...moeLayers(model).values()].map(({ experts, router }) => {
    const { numExperts, topK } = router.choice;
    return (countParameters(experts) / numExperts) * (numExperts - topK);
  });
  return idle.reduce((active, count) => active - count, countParameters(model));
}
