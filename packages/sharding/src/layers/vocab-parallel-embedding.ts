/**
 * Embedding whose rows, the vocabulary, are split over one mesh axis.
 *
 * Legend: B = sequences, T = positions, V = vocabulary, D = features, p = ranks on `axis`.
 *
 * @packageDocumentation
 */
import { Embedding, type EmbeddingOptions, type Module, type Parameter } from "@meshwright/core";
import { tidy, type Tensor } from "@tensorflow/tfjs";
import { axisIndex, type MeshAxes } from "../mesh.ts";
import { parameterShard } from "../parameter-shard.ts";
import type { PlacementSpec } from "../placement-spec.ts";
import { Replicate, Shard } from "../placement.ts";
import { redistribute } from "../sharded-tensor.ts";
import { along, type ParallelAxis } from "./column-parallel-linear.ts";

/**
 * `Y = sum_r Y_r`, where rank `r` looks up the tokens among its own `ceil(V / p)` rows and has zeros for the others.
 *
 * | tensor | global shape | on each rank | placement on `axis`                              |
 * | ------ | ------------ | ------------ | ------------------------------------------------ |
 * | tokens | `[B, T]`     | `[B, T]`     | `Replicate()`                                    |
 * | `W`    | `[V, D]`     | `[V/p, D]`   | `Shard(0)`                                       |
 * | `Y`    | `[B, T, D]`  | `[B, T, D]`  | `Replicate()`; `Shard(1)` with `sequenceParallel` |
 *
 * Forward: one all-reduce of `Y`; with `sequenceParallel` one reduce-scatter, half the bytes.
 * Backward: none (one all-gather of `dY`); `dW` is `Shard(0)`, and no rank ever holds one of the whole shape.
 * V need not divide by p.
 *
 * @example
 * ```ts
 * const embedding = new VocabParallelEmbedding({ mesh, axis: "tp", numEmbeddings: 11, features: 4 });
 * initialize({ embedding }, { seed: 1 });
 * const y = embedding.apply(tokens); // global [2, 3, 4]; placementsOf(y).tp is Replicate()
 * ```
 * @throws ContractError if `axis` is not an axis of `mesh`, or if a size is not a positive integer.
 * @see Shoeybi et al. 2019, "Megatron-LM", section 3, https://arxiv.org/abs/1909.08053
 */
export class VocabParallelEmbedding<Axes extends MeshAxes = MeshAxes> implements Module {
  readonly weight: Parameter;
  readonly #embedding: Embedding;
  readonly #output: PlacementSpec;

  constructor(options: EmbeddingOptions & ParallelAxis<Axes> & { readonly sequenceParallel?: boolean }) {
    const { mesh, axis, sequenceParallel = false, ...embedding } = options;
    axisIndex(mesh, axis, "VocabParallelEmbedding");
    this.#embedding = new Embedding(embedding);
    this.#output = { [axis]: sequenceParallel ? Shard(1) : Replicate() };
    this.weight = this.#embedding.weight;
    this.weight.shard = parameterShard(this.weight.shape, mesh, along<Axes>(axis, Shard(0)));
  }

  /**
   * @param tokens - `[B, T]` int32 (any shape without `sequenceParallel`), each in `0..V-1`
   * @returns `[B, T, D]`; the caller's scope owns it
   * @throws ContractError if `tokens` is not int32 or one lies outside the vocabulary.
   */
  apply(tokens: Tensor): Tensor {
    return tidy(() => redistribute(this.#embedding.apply(tokens), this.#output)); // Partial -> whole
  }
}
