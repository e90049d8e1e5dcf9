/**
 * Feed-forward modules whose hidden features are split over one mesh axis.
 *
 * Legend: B = any leading dims, D = features, F = hidden features, p = ranks on `axis`.
 *
 * @packageDocumentation
 */
import { GeluMLP, SwiGLUMLP, type MLPOptions, type Module } from "@meshwright/core";
import type { Tensor } from "@tensorflow/tfjs";
import type { MeshAxes } from "../mesh.ts";
import { ColumnParallelLinear, type ParallelAxis } from "./column-parallel-linear.ts";
import { RowParallelLinear } from "./row-parallel-linear.ts";

type ParallelMLPOptions<Axes extends MeshAxes> = Omit<MLPOptions, "columnLinear" | "rowLinear"> &
  ParallelAxis<Axes>;

function parallelLinears<Axes extends MeshAxes>({
  mesh,
  axis,
  ...mlp
}: ParallelMLPOptions<Axes>): MLPOptions {
  return {
    ...mlp,
    columnLinear: (linear) => new ColumnParallelLinear({ ...linear, mesh, axis }),
    rowLinear: (linear) => new RowParallelLinear({ ...linear, mesh, axis }),
  };
}

/**
 * `y = gelu(x U + b) D + c` with the hidden features split.
 *
 * | tensor | global shape | on each rank  | placement on `axis` |
 * | ------ | ------------ | ------------- | ------------------- |
 * | `U`    | `[D, F]`     | `[D, F/p]`    | `Shard(1)`          |
 * | hidden | `[B, F]`     | `[B, F/p]`    | `Shard(-1)`         |
 * | `D`    | `[F, D]`     | `[F/p, D]`    | `Shard(0)`          |
 *
 * Forward: one all-reduce of `[B, D]`. Backward: one, where the gradient of the input is used. F need not divide by p.
 *
 * @see Shoeybi et al. 2019, "Megatron-LM", section 3, https://arxiv.org/abs/1909.08053
 */
export class ParallelGeluMLP<Axes extends MeshAxes = MeshAxes> implements Module {
  readonly up: Module;
  readonly down: Module;
  readonly #mlp: GeluMLP;

  constructor(options: ParallelMLPOptions<Axes>) {
    this.#mlp = new GeluMLP(parallelLinears(options));
    this.up = this.#mlp.up;
    this.down = this.#mlp.down;
  }

  /**
   * @param x - `[B, D]`
   * @returns `[B, D]`; the caller's scope owns it
   */
  apply(x: Tensor): Tensor {
    return this.#mlp.apply(x);
  }
}

/**
 * `y = (silu(x G) * x U) D` with the hidden features split; placements as `ParallelGeluMLP`.
 *
 * There is no output bias, so `y` is `Partial("sum")` until it is used; that costs the one all-reduce forward. Backward:
 * one, where the gradient of the input is used.
 */
export class ParallelSwiGLUMLP<Axes extends MeshAxes = MeshAxes> implements Module {
  readonly gate: Module;
  readonly up: Module;
  readonly down: Module;
  readonly #mlp: SwiGLUMLP;

  constructor(options: ParallelMLPOptions<Axes>) {
    this.#mlp = new SwiGLUMLP(parallelLinears(options));
    this.gate = this.#mlp.gate;
    this.up = this.#mlp.up;
    this.down = this.#mlp.down;
  }

  /**
   * @param x - `[B, D]`
   * @returns `[B, D]`; the caller's scope owns it
   */
  apply(x: Tensor): Tensor {
    return this.#mlp.apply(x);
  }
}
