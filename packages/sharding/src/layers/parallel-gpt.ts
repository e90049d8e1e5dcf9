/**
 * A GPT whose blocks and vocabulary are split over one mesh axis.
 *
 * Legend: B = sequences, T = positions, D = features, V = vocabulary, p = ranks on the axis.
 *
 * @packageDocumentation
 */
import { GPT, LayerNorm, type GPTOptions } from "@meshwright/core";
import type { MeshAxes } from "../mesh.ts";
import { parallelParts, type ParallelModelOptions } from "./parallel-parts.ts";
import { requireWholeHeads } from "./parallel-self-attention.ts";

/**
 * The same model, parameter names and initial values as `new GPT(options)`, with heads, hidden features and vocabulary
 * split over `axis`. The position embedding and norms are replicated. The logits are split over the vocabulary:
 * `crossEntropy` takes them as they are, and reading them gathers.
 *
 * | per step, each of `[B, T, D]`   | forward              | backward             |
 * | ------------------------------- | -------------------- | -------------------- |
 * | token embedding                 | 1 all-reduce         |                      |
 * | a block                         | 2 all-reduces        | 2 all-reduces        |
 * | head                            |                      | 1 all-reduce         |
 * | `crossEntropy` of the logits    | `[B, T]`, `[2, B, T]` all-reduced |         |
 *
 * With `sequenceParallel` each all-reduce is a reduce-scatter where it was and an all-gather before the next product: the
 * same bytes, and between the products each rank holds `T / p` positions. With `vocabParallel: false` embedding and head
 * are replicated, and only the blocks communicate.
 *
 * @example
 * ```ts
 * const model = parallelGPT({ mesh, axis: "tp", vocabSize: 11, contextLength: 8, features: 12, heads: 2, layers: 2 });
 * initialize(model, { seed: 1 });
 * ```
 * @throws ContractError if the ranks on `axis` do not divide `heads`, a size is wrong, or `sequenceParallel` is set
 * without `vocabParallel`.
 * @see Shoeybi et al. 2019, "Megatron-LM", section 3, https://arxiv.org/abs/1909.08053; Korthikanti et al. 2022,
 * "Reducing activation recomputation in large transformer models", section 4.2, https://arxiv.org/abs/2205.05198
 */
export function parallelGPT<Axes extends MeshAxes>(options: GPTOptions & ParallelModelOptions<Axes>): GPT {
  const { mesh, axis, vocabParallel = true, sequenceParallel = false, parts, ...gpt } = options;
  requireWholeHeads("parallelGPT", gpt.heads, axis, mesh.sizeOf(axis));
  const split = parallelParts("parallelGPT", { mesh, axis, vocabParallel, sequenceParallel }, LayerNorm);
  return new GPT({ ...gpt, parts: { ...split, ...parts } });
}
