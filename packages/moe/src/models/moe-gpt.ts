/**
 * A GPT with experts.
 *
 * @packageDocumentation
 */
import { GeluMLP, GPT, type GPTOptions } from "@meshwright/core";
import { parallelGPT, type MeshAxes } from "@meshwright/sharding";
import { expertsOrDense, type MoEModelOptions } from "./moe-model-options.ts";

/**
 * A `GPT` with GELU experts in place of the feed-forward modules of some blocks; with `parallel`, split over a mesh.
 *
 * | parameters                          | tensor axis                | expert axis | data axes     |
 * | ----------------------------------- | -------------------------- | ----------- | ------------- |
 * | `blocks.1.mlp.experts.up`, `down`   | hidden features            | experts     | `Replicate()` |
 * | `blocks.1.mlp.router.gate.weight`   | `Replicate()`              | `Replicate()` | `Replicate()` |
 * | all others                          | as `parallelGPT`           | `Replicate()` | `Replicate()` |
 *
 * Tokens `[B, T]` come as `Shard(0)` over the expert axis and the data axes. Initial values do not depend on the mesh.
 * `gptLayers` of `@meshwright/pipeline` cuts the model into stages.
 *
 * Communication: that of `parallelGPT`, and of `MoELayer` in each block with experts.
 *
 * @example
 * ```ts
 * const model = moeGPT({
 *   vocabSize: 65, contextLength: 32, features: 48, heads: 4, layers: 4,
 *   moe: { numExperts: 8, topK: 2, everyNth: 2, balance: { loss: 0.01 } },
 *   parallel: { mesh, expertAxis: "ep", tensorAxis: "tp", dataAxes: ["dp"] },
 * });
 * initialize(model, { seed: 1 });
 * ```
 * @throws ContractError if a size or setting is wrong, or no block would have experts.
 * @see Lepikhin et al. 2020, "GShard", section 2, https://arxiv.org/abs/2006.16668
 */
export function moeGPT<Axes extends MeshAxes>(options: GPTOptions & MoEModelOptions<Axes>): GPT {
  const { moe, parallel, parts = {}, ...gpt } = options;
  const { mlp: dense = (mlp) => new GeluMLP(mlp) } = parts;
  const model = { layers: gpt.layers, activation: "gelu", dense } as const;
  const mlp = expertsOrDense("moeGPT", { moe, ...(parallel && { parallel }) }, model);
  const { tensorAxis: axis, mesh, vocabParallel, sequenceParallel } = parallel ?? {};
  if (axis === undefined || mesh === undefined) return new GPT({ ...gpt, parts: { ...parts, mlp } });
  return parallelGPT({
    ...{ ...gpt, mesh, axis, parts: { ...parts, mlp } },
    ...(vocabParallel !== undefined && { vocabParallel }),
    ...(sequenceParallel !== undefined && { sequenceParallel }),
  });
}
