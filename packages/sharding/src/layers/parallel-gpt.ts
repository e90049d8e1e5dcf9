/**
 * A GPT whose blocks are split over one mesh axis.
 *
 * @packageDocumentation
 */
import { GPT, type GPTOptions } from "@meshwright/core";
import type { MeshAxes } from "../mesh.ts";
import { ColumnParallelLinear, type ParallelAxis } from "./column-parallel-linear.ts";
import { requireWholeHeads } from "./parallel-self-attention.ts";
import { RowParallelLinear } from "./row-parallel-linear.ts";

/**
 * The same model, parameter names and initial values as `new GPT(options)`, with heads and hidden features split over
 * `axis`; embeddings, norms and head are replicated.
 *
 * Communication per block and step, each of `[B T, D]`: 2 all-reduces forward, 2 backward.
 *
 * @example
 * ```ts
 * const model = parallelGPT({ mesh, axis: "tp", vocabSize: 11, contextLength: 8, features: 12, heads: 2, layers: 2 });
 * initialize(model, { seed: 1 });
 * ```
 * @throws ContractError if the ranks on `axis` do not divide `heads`, or a size is wrong.
 * @see Shoeybi et al. 2019, "Megatron-LM", section 3, https://arxiv.org/abs/1909.08053
 */
export function parallelGPT<Axes extends MeshAxes>(
  options: Omit<GPTOptions, "parts"> & ParallelAxis<Axes>,
): GPT {
  const { mesh, axis, ...gpt } = options;
  requireWholeHeads("parallelGPT", gpt.heads, axis, mesh.sizeOf(axis));
  return new GPT({
    ...gpt,
    parts: {
      columnLinear: (linear) => new ColumnParallelLinear({ ...linear, mesh, axis }),
      rowLinear: (linear) => new RowParallelLinear({ ...linear, mesh, axis }),
    },
  });
}
