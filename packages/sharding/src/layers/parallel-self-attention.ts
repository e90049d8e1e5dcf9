/**
 * Causal self-attention whose heads are split over one mesh axis.
 *
 * Legend: B = sequences, T = positions, D = features, H = heads, p = ranks on `axis`.
 *
 * @packageDocumentation
 */
import {
  CausalSelfAttention,
  ContractError,
  type CausalSelfAttentionOptions,
  type Module,
} from "@meshwright/core";
import type { Tensor } from "@tensorflow/tfjs";
import type { MeshAxes } from "../mesh.ts";
import { ColumnParallelLinear, type ParallelAxis } from "./column-parallel-linear.ts";
import { RowParallelLinear } from "./row-parallel-linear.ts";

/** @throws ContractError unless every rank gets the same number of whole heads. */
export function requireWholeHeads(where: string, heads: number, axis: string, numRanks: number): void {
  if (heads % numRanks === 0) return;
  throw new ContractError(
    `${where}: heads (${heads}) must be a multiple of the ranks on axis "${axis}" (${numRanks}); use for example heads: ${numRanks * Math.ceil(heads / numRanks)}, or fewer ranks on the axis.`,
  );
}

/**
 * `CausalSelfAttention` with `H / p` heads per rank.
 *
 * | tensor                    | global shape | on each rank | placement on `axis` |
 * | ------------------------- | ------------ | ------------ | ------------------- |
 * | `query`, `key`, `value`   | `[D, D]`     | `[D, D/p]`   | `Shard(1)`          |
 * | `out`                     | `[D, D]`     | `[D/p, D]`   | `Shard(0)`          |
 * | scores                    | `[B, H, T, T]` | `[B, H/p, T, T]` | `Shard(1)`    |
 *
 * Forward: one all-reduce of `[B T, D]`. Backward: one, of the same size, where the gradient of the input is used.
 *
 * @throws ContractError if the ranks on `axis` do not divide `heads`.
 * @see Shoeybi et al. 2019, "Megatron-LM", section 3, https://arxiv.org/abs/1909.08053
 */
export class ParallelSelfAttention<Axes extends MeshAxes = MeshAxes> implements Module {
  readonly query: Module;
  readonly key: Module;
  readonly value: Module;
  readonly out: Module;
  readonly #attention: CausalSelfAttention;

  constructor(options: Omit<CausalSelfAttentionOptions, "columnLinear" | "rowLinear"> & ParallelAxis<Axes>) {
    const { mesh, axis, ...attention } = options;
    requireWholeHeads("ParallelSelfAttention", attention.heads, axis, mesh.sizeOf(axis));
    this.#attention = new CausalSelfAttention({
      ...attention,
      columnLinear: (linear) => new ColumnParallelLinear({ ...linear, mesh, axis }),
      rowLinear: (linear) => new RowParallelLinear({ ...linear, mesh, axis }),
    });
    this.query = this.#attention.query;
    this.key = this.#attention.key;
    this.value = this.#attention.value;
    this.out = this.#attention.out;
  }

  /**
   * @param x - `[B, T, D]`
   * @returns `[B, T, D]`; the caller's scope owns it
   */
  apply(x: Tensor): Tensor {
    return this.#attention.apply(x);
  }
}
