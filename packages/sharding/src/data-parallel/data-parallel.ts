/**
 * Data-parallel training, with ZeRO's three stages as placements.
 *
 * Legend: N = ranks on the data-parallel axis, S = bytes of all parameters on a rank, P = parameters on it.
 *
 * | stage | parameters              | gradients               | optimizer state | communication per step                   |
 * | ----- | ----------------------- | ----------------------- | --------------- | ---------------------------------------- |
 * | 0     | whole                   | whole                   | whole           | all-reduce 2S(N-1)/N                     |
 * | 1     | whole                   | whole, then `Shard`     | `Shard`         | reduce-scatter and all-gather 2S(N-1)/N  |
 * | 2     | whole                   | `Shard` as they come    | `Shard`         | the same                                 |
 * | 3     | `Shard`, whole in use   | `Shard` as they come    | `Shard`         | reduce-scatter and, per use, all-gather  |
 *
 * "Per use": a parameter is gathered for each kernel that reads it, once forward and once backward for a weight (together
 * 3S(N-1)/N), once forward for what the backward pass needs only the shape of (a bias, an embedding).
 *
 * @packageDocumentation
 */
import {
  accumulateGradients,
  ContractError,
  gradients,
  namedParameters,
  type LossAndGradients,
  type NamedGradients,
  type Parameter,
} from "@meshwright/core";
import { engine as tfEngine, type Scalar, type Tensor } from "@tensorflow/tfjs";
import { shardedBackend } from "../backend/current.ts";
import { regionOf } from "../layout.ts";
import { axisIndex, type AxisName, type DeviceMesh, type MeshAxes } from "../mesh.ts";
import { Replicate, type Placement } from "../placement.ts";
import { BucketedMoves, type BucketOptions } from "./bucketed-moves.ts";
import { keepSplit, keptSplitShard, useAsKept } from "./kept-split-shard.ts";
import { placeParameter, type ParameterPlacement } from "./parameter-placement.ts";

/** What is split over the data-parallel ranks: nothing; optimizer state; gradients too; parameters too. */
export type ZeROStage = 0 | 1 | 2 | 3;

/** Options of {@link DataParallel}. */
export interface DataParallelOptions<Axes extends MeshAxes> {
  readonly mesh: DeviceMesh<Axes>;
  /** The axis over which the batch is split. */
  readonly axis: AxisName<Axes>;
  /** Default 0: plain data parallelism. */
  readonly stage?: ZeROStage;
  /** Bytes per rank of a bucket of gradients or parameters. Default 1 MiB. */
  readonly bucketBytes?: number;
}

/** An optimizer: `AdamW`, `SGD`, or one of your own that assigns the parameters. */
export interface Optimizer {
  step(grads: NamedGradients): void;
}

/** Options of {@link DataParallel.gradients}. */
export interface MicroBatchOptions {
  /** How much each micro-batch counts: its part of the tokens. Default: all alike. */
  readonly shares?: readonly number[];
}

/**
 * Trains a model whose batch is split over a mesh axis (`shard(batch, mesh, { dp: Shard(0) })`). Other axes may split the
 * parameters as they like.
 *
 * Make it before `initialize(model)` for stage 3: each rank then draws only its part of a parameter, and no rank ever holds
 * the whole model.
 *
 * @example
 * ```ts
 * const training = new DataParallel(model, { mesh, axis: "dp", stage: 2 });
 * initialize(model, { seed: 1 });
 * const optimizer = new AdamW(training.parameters, { learningRate: 1e-3, createState: training.createState });
 * const { loss, grads } = training.gradients(() => crossEntropy(model.apply(tokens), labels));
 * const clipped = clipGradNorm(grads, 1);
 * training.step(optimizer, clipped.grads);
 * ```
 * @throws ContractError if the mesh has no such axis, or a parameter is on another mesh.
 * @see Rajbhandari et al. 2020, "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models", section 5,
 * https://arxiv.org/abs/1910.02054
 */
export class DataParallel<Axes extends MeshAxes = MeshAxes> {
  readonly stage: ZeROStage;
  /** All parameters of the model, by dotted name. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly #model: object;
  readonly #mesh: DeviceMesh;
  readonly #axis: number;
  readonly #buckets: BucketOptions;
  readonly #placements = new Map<string, ParameterPlacement>();

  constructor(model: object, { mesh, axis, stage = 0, bucketBytes }: DataParallelOptions<Axes>) {
    if (![0, 1, 2, 3].includes(stage)) {
      throw new ContractError(
        `DataParallel: stage (${String(stage)}) must be 0, 1, 2 or 3; use 0 for plain data parallelism.`,
      );
    }
    this.#axis = axisIndex(mesh, axis, "DataParallel");
    this.#model = model;
    this.#mesh = mesh;
    this.stage = stage;
    this.#buckets = { mesh, axis, ...(bucketBytes !== undefined && { bucketBytes }) };
    this.parameters = namedParameters(model);
    const where = { mesh, axis: this.#axis };
    for (const [name, parameter] of this.parameters) {
      const placement = placeParameter("DataParallel", name, { parameter, ...where });
      this.#placements.set(name, placement);
      if (stage < 3 || placement.split === placement.whole) continue;
      parameter.shard = keptSplitShard(parameter.shape, mesh, placement);
      if (parameter.isInitialized) keepSplit(parameter.variable, mesh, placement);
    }
  }

  /**
   * Where a parameter's optimizer state is, and from stage 1 on its gradient, along the data-parallel axis: the dim whose
   * parts are most even. `Replicate()` at stage 0, and for what cannot be split (a scalar; a vector that an axis after the
   * data-parallel one splits).
   */
  placementOf(name: string): Placement {
    const placement = this.#placements.get(name);
    if (placement === undefined) {
      throw new ContractError(
        `DataParallel.placementOf: name ("${name}") must be a parameter of the model; use one of ${[...this.parameters.keys()].slice(0, 3).join(", ")}, ...`,
      );
    }
    return this.stage === 0 ? placement.whole[this.#axis]! : placement.split[this.#axis]!;
  }

  /** For the optimizer: zeros of a parameter's shape, of which each rank makes only its part. */
  readonly createState = (variable: Tensor, name: string): Tensor => {
    const backend = this.#backend();
    const { whole, split } = this.#placements.get(name)!;
    const placements = this.stage === 0 ? whole : split;
    const { shape } = regionOf(variable.shape, placements, this.#mesh.shape, this.#mesh.coordinate);
    const zeros = backend.door.engine.create(shape, "float32", (out) => out.fill(0));
    return tfEngine().makeTensorFromTensorInfo(backend.wrap(this.#mesh, variable.shape, placements, zeros));
  };

  /**
   * Loss and reduced gradients: whole at stage 0, each rank's part from stage 1 on. Several loss functions are the
   * micro-batches of one batch, whose losses count by their shares.
   *
   * Communication: one collective per bucket of gradients. Micro-batches are added up before the one reduction at stages 0
   * and 1. At stages 2 and 3, which promise that no rank keeps a whole gradient, each micro-batch is scattered as it comes;
   * use `accumulateGradients` and `reduce` to trade that memory for less communication.
   *
   * @returns the loss and the gradients; the caller owns (disposes) all of them
   */
  gradients(
    lossFns: (() => Scalar) | readonly (() => Scalar)[],
    options: MicroBatchOptions = {},
  ): LossAndGradients {
    const gradientsOf = (lossFn: () => Scalar): LossAndGradients => this.#backward(lossFn);
    const result =
      typeof lossFns === "function"
        ? gradientsOf(lossFns)
        : accumulateGradients(this.#model, lossFns, { ...options, gradientsOf });
    this.reduce(result.grads);
    return result;
  }

  /**
   * Reduces gradients in place, a bucket at a time: to whole ones at stage 0, to each rank's part from stage 1 on. What is
   * partial along other axes (norms under sequence parallelism, everything under context parallelism) is reduced there,
   * too: with one all-reduce over the ranks of all these axes where it becomes whole. Gradients that are reduced already stay
   * as they are.
   */
  reduce(grads: NamedGradients): void {
    const moves = this.#moves("gradients");
    // What was scattered may still be partial along other axes; less is left to reduce there.
    for (let pass = 0; pass < 2; pass++) {
      for (const [name, gradient] of grads)
        moves.add(gradient, this.placementOf(name), { reduceOthers: true });
      moves.flush();
    }
  }

  /**
   * One step of an optimizer on `parameters`, which has its state from `createState`.
   *
   * Each rank updates its part. Communication: at stages 1 and 2 one all-gather per bucket of parameters, S(N-1)/N in all;
   * else none.
   *
   * @param grads - as `gradients` or `reduce` leaves them, or `clipGradNorm` of those; they stay the caller's
   */
  step(optimizer: Optimizer, grads: NamedGradients): void {
    if (this.stage < 3) {
      optimizer.step(grads);
      this.#gatherParameters();
      return;
    }
    const split = [...this.parameters].filter(([name]) => this.#isSplit(name));
    for (const [, { variable }] of split) useAsKept(variable);
    try {
      optimizer.step(grads);
    } finally {
      for (const [name, { variable }] of split) keepSplit(variable, this.#mesh, this.#placements.get(name)!);
    }
  }

  #backward(lossFn: () => Scalar): LossAndGradients {
    if (this.stage < 2) return gradients(this.#model, lossFn);
    const moves = this.#moves("gradients");
    const result = gradients(this.#model, lossFn, {
      onGradient: (name, gradient) => {
        moves.add(gradient, this.placementOf(name));
      },
    });
    moves.flush();
    return result;
  }

  #gatherParameters(): void {
    const moves = this.#moves("parameters");
    for (const [name, { variable }] of this.parameters) {
      if (this.#isSplit(name)) moves.add(variable, Replicate());
    }
    moves.flush();
  }

  #isSplit(name: string): boolean {
    const { whole, split } = this.#placements.get(name)!;
    return this.stage > 0 && whole !== split;
  }

  #moves(what: string): BucketedMoves {
    return new BucketedMoves("DataParallel", what, this.#buckets);
  }

  #backend(): ReturnType<typeof shardedBackend> {
    return shardedBackend("DataParallel");
  }
}
