/**
 * Linear layer whose weight is split by rows over one mesh axis.
 *
 * Legend: B = any leading dims, T = the second of them (positions), I = input features, O = output features,
 * p = ranks on `axis`.
 *
 * @packageDocumentation
 */
import { Linear, Parameter, type LinearOptions, type Module } from "@meshwright/core";
import { add, tidy, type Tensor } from "@tensorflow/tfjs";
import { axisIndex, type MeshAxes } from "../mesh.ts";
import { parameterShard } from "../parameter-shard.ts";
import type { PlacementSpec } from "../placement-spec.ts";
import { Shard } from "../placement.ts";
import { redistribute } from "../sharded-tensor.ts";
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
 * With `sequenceParallel`, `Y` is `Shard(1)`, split over T, which need not divide by p. Forward: one reduce-scatter, half
 * the bytes. Backward: one all-gather of `dY`; the gradient of `b` is `Partial("sum")` over `axis`.
 *
 * @example
 * ```ts
 * const down = new RowParallelLinear({ mesh, axis: "tp", inFeatures: 4, outFeatures: 8 });
 * initialize({ down }, { seed: 1 });
 * const z = down.apply(up.apply(x)); // one all-reduce; placementsOf(z).tp is Replicate()
 * ```
 * @throws ContractError if `axis` is not an axis of `mesh`, or if a size is not a positive integer.
 * @see Shoeybi et al. 2019, "Megatron-LM", section 3, https://arxiv.org/abs/1909.08053; Korthikanti et al. 2022,
 * "Reducing activation recomputation in large transformer models", section 4.2, https://arxiv.org/abs/2205.05198
 */
export class RowParallelLinear<Axes extends MeshAxes = MeshAxes> implements Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly #product: Linear;
  readonly #scattered: PlacementSpec | undefined;

  constructor(options: LinearOptions & ParallelAxis<Axes> & { readonly sequenceParallel?: boolean }) {
    const { mesh, axis, bias = true, sequenceParallel = false, ...linear } = options;
    axisIndex(mesh, axis, "RowParallelLinear");
    this.#product = new Linear({ ...linear, bias: false });
    this.#scattered = sequenceParallel ? { [axis]: Shard(1) } : undefined;
    this.weight = this.#product.weight;
    this.weight.shard = parameterShard(this.weight.shape, mesh, along<Axes>(axis, Shard(0)));
    this.bias = bias
      ? new Parameter({ shape: [linear.outFeatures], initializer: { kind: "zeros" } })
      : undefined;
  }

  /**
   * @param x - `[B, I]`; `[B, T, I]` with `sequenceParallel`
   * @returns `[B, O]`; the caller's scope owns it
   */
  apply(x: Tensor): Tensor {
    return tidy(() => {
      const product = this.#product.apply(x); // [B, I/p] x [I/p, O] -> Partial [B, O]
      const y = this.#scattered === undefined ? product : redistribute(product, this.#scattered);
      return this.bias === undefined ? y : add(y, this.bias.variable);
    });
  }
}
