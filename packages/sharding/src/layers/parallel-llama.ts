/**
 * A Llama whose blocks and vocabulary are split over one mesh axis.
 *
 * @packageDocumentation
 */
import { ContractError, Llama, RMSNorm, type LlamaOptions } from "@meshwright/core";
import type { MeshAxes } from "../mesh.ts";
import { parallelParts, type ParallelModelOptions } from "./parallel-parts.ts";
import { requireWholeHeads } from "./parallel-self-attention.ts";

/**
 * The same model, parameter names and initial values as `new Llama(options)`, with query heads, key and value heads,
 * hidden features and vocabulary split over `axis`. Norms are replicated.
 *
 * Communication, placements of activations and logits: as `parallelGPT`.
 *
 * @example
 * ```ts
 * const model = parallelLlama({
 *   mesh, axis: "tp", sequenceParallel: true,
 *   vocabSize: 11, contextLength: 8, features: 16, heads: 4, keyValueHeads: 2, layers: 2,
 * });
 * initialize(model, { seed: 1 });
 * ```
 * @throws ContractError if the ranks on `axis` do not divide `heads` and `keyValueHeads`, a size is wrong, or
 * `sequenceParallel` is set without `vocabParallel`.
 * @see Shoeybi et al. 2019, "Megatron-LM", section 3, https://arxiv.org/abs/1909.08053; Korthikanti et al. 2022,
 * "Reducing activation recomputation in large transformer models", section 4.2, https://arxiv.org/abs/2205.05198
 */
export function parallelLlama<Axes extends MeshAxes>(
  options: LlamaOptions & ParallelModelOptions<Axes>,
): Llama {
  const { mesh, axis, vocabParallel = true, sequenceParallel = false, parts, ...llama } = options;
  const { heads, keyValueHeads = heads } = llama;
  requireWholeHeads("parallelLlama", heads, axis, mesh.sizeOf(axis));
  requireWholeKeyValueHeads(keyValueHeads, axis, mesh.sizeOf(axis));
  const split = parallelParts("parallelLlama", { mesh, axis, vocabParallel, sequenceParallel }, RMSNorm);
  return new Llama({ ...llama, parts: { ...split, ...parts } });
}

function requireWholeKeyValueHeads(keyValueHeads: number, axis: string, numRanks: number): void {
  if (keyValueHeads % numRanks === 0) return;
  throw new ContractError(
    `parallelLlama: keyValueHeads (${keyValueHeads}) must be a multiple of the ranks on axis "${axis}" (${numRanks}), as a head is not split and not repeated; use at most ${keyValueHeads} ranks on the axis, or for example keyValueHeads: ${numRanks * Math.ceil(keyValueHeads / numRanks)}.`,
  );
}
