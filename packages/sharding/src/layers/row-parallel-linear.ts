/**
 * Linear layer whose weight is split by rows over one mesh axis.
 *
 * Legend: B = any leading dims, I = input features, O = output features, p = ranks on `axis`.
 *
 * @packageDocumentation
 */
import { Linear, type LinearOptions, type Module, type Parameter } from "@meshwright/core";
import type { Tensor } from "@tensorflow/tfjs";
import { axisIndex, type MeshAxes } from "../mesh.ts";
import { parameterShard } from "../parameter-shard.ts";
import { Shard } from "../placement.ts";
import { along, type ParallelAxis } from "./column-parallel-linear.ts";

/**
 * `Y = sum_r X_r A_r + b`; rank `r` holds rows `A_r` and multiplies the matching columns `X_r` of the input.
 *
 * | tensor | global shape | on each rank | placement on `axis`                                          |
 * | ------ | ------------ | ------------ | ------------------------------------------------------------ |
 * | `X`    | `[B, I]`     | `[B, I/p]`   | `Shard(-1)` (a replicated `X` is cut without communication)  |
 * | `A`    | `[I, O]`     | `[I/p, O]`   | `Shard(0)`                                                   |
 * | `b`    | `[O]`        | `[O]`        | `Replicate()`                                                |
 * | `Y`    | `[B, O]`     | `[B, O]`     | `Replicate()`; without a bias `Partial("sum")` until used    |
 *
 * Forward: one all-reduce of `Y`, before the bias is added once. Backward: none.
 *
 * @example
 * ```ts
 * const down = new RowParallelLinear({ mesh, axis: "tp", inFeatures: 4, outFeatures: 8 });
 * initialize({ down }, { seed: 1 });
 * const z = down.apply(up.apply(x)); // one all-reduce; placementsOf(z).tp is Replicate()
 * ```
 * @throws ContractError if `axis` is not an axis of `mesh`, or if a size is not a positive integer.
 * @see Shoeybi et al. 2019, "Megatron-LM", section 3, https://arxiv.org/abs/1909.08053
 */
export class RowParallelLinear<Axes extends MeshAxes = MeshAxes> implements Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly #linear: Linear;

  constructor(options: LinearOptions & ParallelAxis<Axes>) {
    const { mesh, axis, ...linear } = options;
    axisIndex(mesh, axis, "RowParallelLinear");
    this.#linear = new Linear(linear);
    this.weight = this.#linear.weight;
    this.weight.shard = parameterShard(this.weight.shape, mesh, along<Axes>(axis, Shard(0)));
    this.bias = this.#linear.bias;
  }

  /**
   * @param x - `[B, I]`
   * @returns `[B, O]`; the caller's scope owns it
   */
  apply(x: Tensor): Tensor {
    return this.#linear.apply(x);
  }
}
