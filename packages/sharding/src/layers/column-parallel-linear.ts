/**
 * Linear layer whose weight is split by columns over one mesh axis.
 *
 * Legend: B = any leading dims, I = input features, O = output features, p = ranks on `axis`.
 *
 * @packageDocumentation
 */
import { Linear, type LinearOptions, type Module, type Parameter } from "@meshwright/core";
import { tidy, type Tensor } from "@tensorflow/tfjs";
import { axisIndex, type AxisName, type DeviceMesh, type MeshAxes } from "../mesh.ts";
import { parameterShard } from "../parameter-shard.ts";
import type { PlacementSpec } from "../placement-spec.ts";
import { Replicate, Shard, type Placement } from "../placement.ts";
import { redistribute } from "../sharded-tensor.ts";

/** The axis that a parallel layer is split over. */
export interface ParallelAxis<Axes extends MeshAxes> {
  readonly mesh: DeviceMesh<Axes>;
  readonly axis: AxisName<Axes>;
}

/** `{ [axis]: placement }`, typed for the mesh. */
export function along<Axes extends MeshAxes>(
  axis: AxisName<Axes>,
  placement: Placement,
): PlacementSpec<Axes> {
  return { [axis]: placement } as PlacementSpec<Axes>;
}

/**
 * `Y = X A + b` with `A = [A_0 | ... | A_{p-1}]`; rank `r` holds and multiplies its own `ceil(O / p)` columns.
 *
 * | tensor   | global shape  | on each rank    | placement on `axis`                        |
 * | -------- | ------------- | --------------- | ------------------------------------------ |
 * | `X`      | `[B, I]`      | `[B, I]`        | `Replicate()`                              |
 * | `A`, `b` | `[I, O], [O]` | `[I, O/p], [O/p]` | `Shard(1)`, `Shard(0)`                   |
 * | `Y`      | `[B, O]`      | `[B, O/p]`      | `Shard(-1)`, or `Replicate()` if gathered  |
 *
 * Forward: no communication; with `gatherOutput` one all-gather of `Y`.
 * Backward: `dX` is `Partial("sum")`; whoever uses it pays one all-reduce.
 *
 * @example
 * ```ts
 * const up = new ColumnParallelLinear({ mesh, axis: "tp", inFeatures: 8, outFeatures: 4 });
 * initialize({ up }, { seed: 1 });
 * const y = up.apply(x); // global [3, 4]; placementsOf(y).tp is Shard(1)
 * ```
 * @throws ContractError if `axis` is not an axis of `mesh`, or if a size is not a positive integer.
 * @see Shoeybi et al. 2019, "Megatron-LM", section 3, https://arxiv.org/abs/1909.08053
 */
export class ColumnParallelLinear<Axes extends MeshAxes = MeshAxes> implements Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly #linear: Linear;
  readonly #gathered: PlacementSpec | undefined;

  constructor(options: LinearOptions & ParallelAxis<Axes> & { readonly gatherOutput?: boolean }) {
    const { mesh, axis, gatherOutput = false, ...linear } = options;
    axisIndex(mesh, axis, "ColumnParallelLinear");
    this.#linear = new Linear(linear);
    this.#gathered = gatherOutput ? { [axis]: Replicate() } : undefined;
    this.weight = this.#linear.weight;
    this.weight.shard = parameterShard(this.weight.shape, mesh, along<Axes>(axis, Shard(1)));
    this.bias = this.#linear.bias;
    if (this.bias) this.bias.shard = parameterShard(this.bias.shape, mesh, along<Axes>(axis, Shard(0)));
  }

  /**
   * @param x - `[B, I]`
   * @returns `[B, O]`; the caller's scope owns it
   */
  apply(x: Tensor): Tensor {
    const gathered = this.#gathered;
    if (gathered === undefined) return this.#linear.apply(x);
    return tidy(() => redistribute(this.#linear.apply(x), gathered));
  }
}
