/**
 * A norm that runs on the positions of one rank and hands them out whole.
 *
 * Legend: B = sequences, T = positions, D = features, p = ranks on `axis`.
 *
 * @packageDocumentation
 */
import type { Module, Parameter } from "@meshwright/core";
import { namedParameters } from "@meshwright/core";
import { tidy, type Tensor } from "@tensorflow/tfjs";
import { axisIndex, type MeshAxes } from "../mesh.ts";
import type { PlacementSpec } from "../placement-spec.ts";
import { Replicate, Shard } from "../placement.ts";
import { redistribute } from "../sharded-tensor.ts";
import type { ParallelAxis } from "./column-parallel-linear.ts";

/**
 * `y = norm(x)`, with `x` split over positions and `y` gathered: the way from the sequence-parallel part of a block
 * into the tensor-parallel one.
 *
 * | tensor            | global shape | on each rank  | placement on `axis`                              |
 * | ----------------- | ------------ | ------------- | ------------------------------------------------ |
 * | `x`               | `[B, T, D]`  | `[B, T/p, D]` | `Shard(1)` (a whole `x` is cut, without communication) |
 * | `weight`, `bias`  | `[D]`        | `[D]`         | `Replicate()`                                    |
 * | `y`               | `[B, T, D]`  | `[B, T, D]`   | `Replicate()`                                    |
 *
 * Forward: one all-gather of `y`. Backward: one reduce-scatter of `dy`, a partial sum; the gradients of `weight` and
 * `bias` are `Partial("sum")` over `axis`, and whoever uses them pays an all-reduce of `[D]`. T need not divide by p.
 *
 * @see Korthikanti et al. 2022, "Reducing activation recomputation in large transformer models", section 4.2,
 * https://arxiv.org/abs/2205.05198
 */
export class SequenceParallelNorm<Axes extends MeshAxes = MeshAxes> implements Module {
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly #norm: Module;
  readonly #split: PlacementSpec;
  readonly #whole: PlacementSpec;

  /**
   * @param norm - the dense norm, over the last dim
   * @throws ContractError if `axis` is not an axis of `mesh`.
   */
  constructor(norm: Module, { mesh, axis }: ParallelAxis<Axes>) {
    axisIndex(mesh, axis, "SequenceParallelNorm");
    const parameters = namedParameters(norm);
    this.weight = parameters.get("weight");
    this.bias = parameters.get("bias");
    this.#norm = norm;
    this.#split = { [axis]: Shard(1) };
    this.#whole = { [axis]: Replicate() };
  }

  /**
   * @param x - `[B, T, D]`
   * @returns `[B, T, D]`; the caller's scope owns it
   */
  apply(x: Tensor): Tensor {
    return tidy(() => redistribute(this.#norm.apply(redistribute(x, this.#split)), this.#whole));
  }
}
