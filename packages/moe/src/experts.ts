/**
 * The stacked parameters of all experts of a layer, and what they compute on sorted rows.
 *
 * Legend: E = experts, D = features, F = hidden features, N = rows, e and t = ranks on the expert and the tensor axis.
 *
 * | parameter      | global shape | on each rank      | placements                                |
 * | -------------- | ------------ | ----------------- | ----------------------------------------- |
 * | `up`, `gate`   | `[E, D, F]`  | `[E/e, D, F/t]`   | expert axis `Shard(0)`, tensor `Shard(2)` |
 * | `down`         | `[E, F, D]`  | `[E/e, F/t, D]`   | expert axis `Shard(0)`, tensor `Shard(1)` |
 *
 * Every axis that splits tokens alone leaves the gradients `Partial("sum")`; the expert axis leaves nothing to reduce.
 *
 * @packageDocumentation
 */
import { Parameter, type Initializer } from "@meshwright/core";
import { parameterShard, Shard, type Placement, type PlacementSpec } from "@meshwright/sharding";
import type { Tensor } from "@tensorflow/tfjs";
import { groupedGeluMLP, groupedSwiGLUMLP } from "./grouped-mlp.ts";
import type { MoELayerOptions, ResolvedParallel } from "./moe-layer-options.ts";

/** Parameters of the experts. */
export interface Experts {
  readonly up: Parameter;
  /** Of SwiGLU experts. */
  readonly gate?: Parameter;
  readonly down: Parameter;
}

/** Describes the parameters; `initialize` fills them. */
export function createExperts(
  options: Pick<
    MoELayerOptions,
    "features" | "hidden" | "numExperts" | "activation" | "initializer" | "downInitializer"
  >,
  parallel: ResolvedParallel | undefined,
): Experts {
  const { features, hidden, numExperts, activation = "gelu", initializer } = options;
  const { downInitializer = initializer } = options;
  const into = (): Parameter =>
    expertParameter([numExperts, features, hidden], { initializer, parallel, hiddenDim: 2 });
  return {
    up: into(),
    ...(activation === "swiglu" && { gate: into() }),
    down: expertParameter([numExperts, hidden, features], {
      ...{ initializer: downInitializer, parallel, hiddenDim: 1 },
    }),
  };
}

/** The experts' parameters in one order: up, down, and the gate if there is one. */
export function expertParameters({ up, gate, down }: Experts): Parameter[] {
  return gate === undefined ? [up, down] : [up, down, gate];
}

/** How a parameter of experts lies. `hiddenDim`: the dim of its hidden features. */
export function expertPlacements(parallel: ResolvedParallel, hiddenDim: number): PlacementSpec {
  const { expertAxis, tensorAxis } = parallel;
  const placements: Record<string, Placement> = {};
  if (expertAxis !== undefined) placements[expertAxis] = Shard(0);
  if (tensorAxis !== undefined) placements[tensorAxis] = Shard(hiddenDim);
  return placements;
}

/**
 * What the local experts make of rows that are sorted by expert.
 *
 * @param rows - `[N, D]`
 * @param weights - local parts, in the order of `expertParameters`
 * @param counts - rows of each local expert
 * @returns `[N, D]`; a summand of it where the hidden features are split; the caller's scope owns it
 */
export function expertOutputs(rows: Tensor, weights: readonly Tensor[], counts: Int32Array): Tensor {
  const [up, down, gate] = weights as readonly [Tensor, Tensor, Tensor?];
  return gate === undefined
    ? groupedGeluMLP(rows, { up, down }, { counts })
    : groupedSwiGLUMLP(rows, { gate, up, down }, { counts });
}

function expertParameter(
  shape: readonly [number, number, number],
  {
    initializer = { kind: "uniform", bound: 1 / Math.sqrt(shape[1]) },
    parallel,
    hiddenDim,
  }: {
    readonly initializer: Initializer | undefined;
    readonly parallel: ResolvedParallel | undefined;
    readonly hiddenDim: number;
  },
): Parameter {
  return new Parameter({
    ...{ shape, initializer },
    ...(parallel && { shard: parameterShard(shape, parallel.mesh, expertPlacements(parallel, hiddenDim)) }),
  });
}
