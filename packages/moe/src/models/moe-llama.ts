/**
 * A Llama with experts.
 *
 * @packageDocumentation
 */
import { Llama, SwiGLUMLP, type LlamaOptions } from "@meshwright/core";
import { parallelLlama, type MeshAxes } from "@meshwright/sharding";
import { expertsOrDense, type MoEModelOptions } from "./moe-model-options.ts";

/** What `moeLlama` takes. */
export type MoELlamaOptions<Axes extends MeshAxes = MeshAxes> = LlamaOptions & MoEModelOptions<Axes>;

/**
 * A `Llama` with SwiGLU experts in place of the feed-forward modules of some blocks: with experts in all of them it is
 * Mixtral. Placements and communication: as `moeGPT`.
 *
 * @example
 * ```ts
 * const model = moeLlama({
 *   vocabSize: 65, contextLength: 32, features: 48, heads: 4, keyValueHeads: 2, layers: 4,
 *   moe: { numExperts: 8, topK: 2 },
 *   parallel: { mesh, expertAxis: "ep", tensorAxis: "tp" },
 * });
 * initialize(model, { seed: 1 });
 * ```
 * @throws ContractError if a size or setting is wrong, or no block would have experts.
 * @see Jiang et al. 2024, "Mixtral of experts", section 2, https://arxiv.org/abs/2401.04088
 */
export function moeLlama<Axes extends MeshAxes>(options: MoELlamaOptions<Axes>): Llama {
  const { moe, parallel, parts = {}, ...llama } = options;
  const { mlp: dense = (mlp) => new SwiGLUMLP(mlp) } = parts;
  const model = { layers: llama.layers, activation: "swiglu", dense } as const;
  const mlp = expertsOrDense("moeLlama", { moe, ...(parallel && { parallel }) }, model);
  const { tensorAxis: axis, mesh, vocabParallel, sequenceParallel } = parallel ?? {};
  if (axis === undefined || mesh === undefined) return new Llama({ ...llama, parts: { ...parts, mlp } });
  return parallelLlama({
    ...{ ...llama, mesh, axis, parts: { ...parts, mlp } },
    ...(vocabParallel !== undefined && { vocabParallel }),
    ...(sequenceParallel !== undefined && { sequenceParallel }),
  });
}
