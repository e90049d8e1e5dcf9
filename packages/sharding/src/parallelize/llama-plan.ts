/**
 * The ready plan for core's Llama.
 *
 * @packageDocumentation
 */
import { Replicate, Shard } from "../placement.ts";
import type { ParallelPlan } from "./plan.ts";

/** How much of a Llama is split. */
export interface LlamaPlanOptions<Axis extends string> {
  readonly axis: Axis;
  /** Whether the token embedding and the head are split by vocabulary. Default true. */
  readonly vocabParallel?: boolean;
  /** Whether the head uses the token embedding's table (`tiedEmbeddings`), so that there is no `head.weight`. Default false. */
  readonly tiedEmbeddings?: boolean;
}

/**
 * Heads, hidden features and vocabulary of a `Llama` over `axis`.
 *
 * | parameters                            | placement on `axis`                |
 * | ------------------------------------- | ---------------------------------- |
 * | `query`, `key`, `value`, `gate`, `up` | columns: `Shard(1)`                |
 * | `out`, `down`                         | rows: `Shard(0)`                   |
 * | `tokenEmbedding`, `head`              | vocabulary: `Shard(0)`, `Shard(1)` |
 * | norms                                 | `Replicate()`                      |
 *
 * Communication per block and step, each of `[B T, D]`: 2 all-reduces forward, 2 backward. The vocabulary adds one
 * forward, for the embedding, one backward, of the head's input, and what the loss needs: `crossEntropy` three of `[B T]`.
 *
 * @example
 * ```ts
 * const model = new Llama({ vocabSize: 11, contextLength: 8, features: 12, heads: 6, keyValueHeads: 2, layers: 2 });
 * parallelize(model, { mesh, plan: llamaPlan({ axis: "tp" }) });
 * ```
 * @see Shoeybi et al. 2019, "Megatron-LM", section 3, https://arxiv.org/abs/1909.08053
 */
export function llamaPlan<const Axis extends string>({
  axis,
  vocabParallel = true,
  tiedEmbeddings = false,
}: LlamaPlanOptions<Axis>): ParallelPlan<Readonly<Record<Axis, number>>> {
  return {
    "blocks.*.attention": { divisible: { heads: axis, keyValueHeads: axis } },
    "blocks.*.attention.{query,key,value}.weight": { [axis]: Shard(1) },
    "blocks.*.attention.out.weight": { [axis]: Shard(0) },
    "blocks.*.mlp.{gate,up}.weight": { [axis]: Shard(1) },
    "blocks.*.mlp.down.weight": { [axis]: Shard(0) },
    ...(vocabParallel && { "tokenEmbedding.weight": { [axis]: Shard(0) } }),
    ...(vocabParallel && !tiedEmbeddings && { "head.weight": { [axis]: Shard(1) } }),
    "**": Replicate(),
  };
}
