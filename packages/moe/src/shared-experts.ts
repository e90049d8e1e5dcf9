/**
 * Experts that every token visits.
 *
 * @packageDocumentation
 */
import { GeluMLP, SwiGLUMLP, type MLPOptions, type Module } from "@meshwright/core";
import { ParallelGeluMLP, ParallelSwiGLUMLP } from "@meshwright/sharding";
import type { MoELayerOptions, ResolvedParallel } from "./moe-layer-options.ts";

/**
 * A feed-forward module without biases, of the activation of the layer's experts; its hidden features are split over the
 * tensor axis. Undefined where the layer has none.
 *
 * @see Dai et al. 2024, "DeepSeekMoE", section 3.2, https://arxiv.org/abs/2401.06066
 */
export function createSharedExperts(
  { features, activation = "gelu", sharedExperts, initializer, downInitializer }: MoELayerOptions,
  parallel: ResolvedParallel | undefined,
): Module | undefined {
  if (sharedExperts === undefined) return undefined;
  const options: MLPOptions = {
    ...{ features, hiddenFeatures: sharedExperts.hidden, bias: false },
    ...(initializer && { initializer }),
    ...(downInitializer && { downInitializer }),
  };
  if (parallel?.tensorAxis === undefined) {
    return activation === "swiglu" ? new SwiGLUMLP(options) : new GeluMLP(options);
  }
  const at = { mesh: parallel.mesh, axis: parallel.tensorAxis };
  return activation === "swiglu"
    ? new ParallelSwiGLUMLP({ ...options, ...at })
    : new ParallelGeluMLP({ ...options, ...at });
}
