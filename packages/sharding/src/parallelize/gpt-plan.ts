/**
 * Ready plans for core's GPT.
 *
 * @packageDocumentation
 */
import { Replicate, Shard } from "../placement.ts";
import type { ParallelPlan } from "./plan.ts";

/** How much of a GPT is split. */
export interface GPTPlanOptions<Axis extends string> {
  readonly axis: Axis;
  /** Whether the token embedding and the head are split by vocabulary. Default true. */
  readonly vocabParallel?: boolean;
}

/**
 * Heads, hidden features and vocabulary of a `GPT` over `axis`: the placements of `parallelGPT`, for the dense model.
 *
 * | parameters                               | placement on `axis`    |
 * | ---------------------------------------- | ---------------------- |
 * | `query`, `key`, `value`, `up`            | columns: weight `Shard(1)`, bias `Shard(0)` |
 * | `out`, `down`                            | rows: weight `Shard(0)`, bias `Replicate()` |
 * | `tokenEmbedding`, `head`                 | vocabulary: `Shard(0)`, `Shard(1)`          |
 * | position embedding, norms                | `Replicate()`          |
 *
 * Communication per block and step, each of `[B T, D]`: 2 all-reduces forward, 2 backward. The vocabulary adds one
 * forward, for the embedding, one backward, of the head's input, and what the loss needs, as `parallelGPT` says.
 *
 * @example
 * ```ts
 * parallelize(model, { mesh, plan: { ...gptPlan({ axis: "tp" }), "positionEmbedding.weight": { tp: Shard(1) } } });
 * ```
 * @see Shoeybi et al. 2019, "Megatron-LM", section 3, https://arxiv.org/abs/1909.08053
 */
export function gptPlan<const Axis extends string>({
  axis,
  vocabParallel = true,
}: GPTPlanOptions<Axis>): ParallelPlan<Readonly<Record<Axis, number>>> {
  return {
    "blocks.*.attention": { divisible: { heads: axis } },
    "blocks.*.attention.{query,key,value}.weight": { [axis]: Shard(1) },
    "blocks.*.attention.{query,key,value}.bias": { [axis]: Shard(0) },
    "blocks.*.attention.out.weight": { [axis]: Shard(0) },
    "blocks.*.mlp.up.weight": { [axis]: Shard(1) },
    "blocks.*.mlp.up.bias": { [axis]: Shard(0) },
    "blocks.*.mlp.down.weight": { [axis]: Shard(0) },
    ...(vocabParallel && {
      "tokenEmbedding.weight": { [axis]: Shard(0) },
      "head.weight": { [axis]: Shard(1) },
    }),
    "**": Replicate(),
  };
}
