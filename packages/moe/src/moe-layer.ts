/**
 * The mixture-of-experts layer.
 *
 * Legend: B = sequences, S = positions, T = B S tokens, D = features, F = hidden features, E = experts, K = experts per
 * token, e, t, d = ranks on the expert axis, the tensor axis, and the data axes together.
 *
 * ```text
 *   x [T, D] --router--> K experts of E, weights
 *      |                     |
 *      |                 capacity: which choices are kept
 *      |                     |
 *      +--permute--> dispatch --> experts --> combine --unpermute, times weights--> y [T, D]
 *      +------------------------ shared experts ----------------------------------> +
 * ```
 *
 * @packageDocumentation
 */
import {
  ContractError,
  GeluMLP,
  namedModules,
  nextCallIndex,
  Parameter,
  SwiGLUMLP,
  type CallCounter,
  type MLPOptions,
  type Module,
} from "@meshwright/core";
import {
  localMap,
  ParallelGeluMLP,
  ParallelSwiGLUMLP,
  Partial,
  redistribute,
  Replicate,
  shard,
  Shard,
  type MeshAxes,
  type PlacementSpec,
} from "@meshwright/sharding";
import { add, tensor1d, tidy, type Tensor } from "@tensorflow/tfjs";
import { attachLoss } from "./attach-loss.ts";
import { auxiliaryLosses, readLosses, sumOfLosses, type AuxiliaryLosses } from "./auxiliary-losses.ts";
import { nextBalanceBias } from "./balance-bias.ts";
import type { Routing } from "./choose-experts.ts";
import { createExperts, expertParameters, expertPlacements, type Experts } from "./experts.ts";
import type { ExpertLoadRecord } from "./load/expert-load-record.ts";
import {
  checkMoELayer,
  resolveParallel,
  withPlainNames,
  type BalanceOptions,
  type LayerCapacity,
  type MoELayerOptions,
  type ResolvedParallel,
} from "./moe-layer-options.ts";
import { Router } from "./router.ts";
import { planTokens, tokenPlacements, type Load, type TokenPlan } from "./token-plan.ts";
import { visitExperts, type ExpertPlaces } from "./visit-experts.ts";

/**
 * `y_t = sum over the K experts j of token t of w_tj expert_j(x_t)`, plus the shared experts; in place of a block's
 * feed-forward module.
 *
 * | tensor             | global shape              | on each rank        | placements                              |
 * | ------------------ | ------------------------- | ------------------- | --------------------------------------- |
 * | `x`, `y`           | `[T, D]` or `[B, S, D]`   | `[T/(d e), D]`      | rows split over data and expert axes    |
 * | `router.gate`      | `[D, E]`                  | the same            | `Replicate()`                           |
 * | `experts.up`, gate | `[E, D, F]`               | `[E/e, D, F/t]`     | expert axis `Shard(0)`, tensor `Shard(2)` |
 * | `experts.down`     | `[E, F, D]`               | `[E/e, F/t, D]`     | expert axis `Shard(0)`, tensor `Shard(1)` |
 *
 * The expert axis splits the tokens as well: for every other layer its ranks are data-parallel. An input that lies
 * otherwise is moved; `y` is `Partial("sum")` over the tensor axis until it is used.
 *
 * The result does not depend on the mesh: not which choices are dropped (unless `capacity.scope` is `"rank"`), not the
 * auxiliary losses, not their gradients. Tokens may be spread unevenly, ranks and experts may have none.
 *
 * Communication forward, per rank: one all-to-all of `4 (E + 2 e) (e - 1) / e` bytes of counts, and two of the rows that go
 * to other ranks, `4 D` bytes each; backward two of the same rows. `moeCommunication` predicts them. With
 * `dispatcher: "all-gather"` one all-gather and one reduce-scatter of `[T, D]` each way. Over the tensor axis one
 * all-reduce of `[T, D]` each way. See also `planTokens` for capacity and load.
 *
 * Auxiliary losses are attached to `y` and need not be added to the model's loss. Under `accumulateGradients` and in
 * pipelines they count by their micro-batch's share (`lossScale`). After each step call {@link finishMoEStep}.
 *
 * @example
 * ```ts
 * const layer = new MoELayer({ features: 16, hidden: 32, numExperts: 8, topK: 2, name: "moe", balance: { loss: 0.01 } });
 * initialize({ layer }, { seed: 1 });
 * const y = layer.apply(tf.ones([2, 5, 16])); // [2, 5, 16]
 * layer.losses; // { loss: ... }
 * ```
 * @throws ContractError that lists every setting that is wrong or would be ignored.
 * @see Lepikhin et al. 2020, "GShard", section 2, https://arxiv.org/abs/2006.16668; Liu et al. 2025, "MoE parallel folding",
 * https://arxiv.org/abs/2504.14960
 */
export class MoELayer<Axes extends MeshAxes = MeshAxes> implements Module {
  readonly router: Router;
  readonly experts: Experts;
  readonly shared: Module | undefined;
  /** `[E]`, with `balance.biasRate`: added to the scores for the choice. It has no gradient; checkpoints hold it. */
  readonly expertBias: Parameter | undefined;
  readonly name: string;
  readonly numExperts: number;
  /** Experts per token. */
  readonly topK: number;
  /** Whether there are losses, records and noise; `setTraining` sets it for a whole model. */
  training = true;
  /** What the auxiliary losses of the next call are multiplied by; `setLossScale` sets it for a whole model. */
  lossScale = 1;
  /** Called after each forward pass in training, not when a pass is recomputed. */
  onLoad: ((record: ExpertLoadRecord) => void) | undefined;
  readonly #balance: BalanceOptions;
  readonly #capacity: LayerCapacity | undefined;
  readonly #dispatcher: "all-to-all" | "all-gather";
  readonly #parallel: ResolvedParallel | undefined;
  /** Choices per expert since the last `finishStep`, over all ranks. */
  readonly #stepCounts: Float64Array;
  /** Numbers the calls, so that one that is recomputed is known by its number; no part of the model's state. */
  readonly #calls: CallCounter = { callIndex: 0 };
  #numCalls = 0;
  #losses: AuxiliaryLosses = {};

  constructor(options: MoELayerOptions<Axes>) {
    const { features, numExperts, topK, name, seed, balance = {} } = options;
    const plain: MoELayerOptions = { ...options, parallel: withPlainNames(options.parallel) };
    checkMoELayer(plain);
    this.name = name;
    this.numExperts = numExperts;
    this.topK = topK;
    this.#parallel = resolveParallel(plain);
    this.router = new Router({
      ...options.router,
      ...{ features, numExperts, topK, name: `${name}.router` },
      ...(seed !== undefined && { seed }),
    });
    this.experts = createExperts(plain, this.#parallel);
    this.shared = createShared(plain, this.#parallel);
    const initializer = { kind: "zeros" } as const;
    this.expertBias =
      (balance.biasRate ?? 0) > 0 ? new Parameter({ shape: [numExperts], initializer }) : undefined;
    this.onLoad = options.onLoad;
    this.#balance = balance;
    this.#capacity = options.capacity;
    this.#dispatcher = options.dispatcher ?? "all-to-all";
    this.#stepCounts = new Float64Array(numExperts);
  }

  /** Values of the auxiliary losses of the last call in training, coefficients included; `{}` before it. */
  get losses(): AuxiliaryLosses {
    return this.#losses;
  }

  /** Choices per expert since the last `finishStep`, over all ranks; counted for the bias and the global loss. */
  get stepCounts(): readonly number[] {
    return Array.from(this.#stepCounts);
  }

  /**
   * @param x - `[T, D]` or `[B, S, D]`, float32
   * @returns the same shape; the caller's scope owns it
   * @throws ContractError if `x` has another shape, a logit is not finite (names layer and step), or ranks of the expert
   * axis disagree on the shape (on all of them).
   */
  apply(x: Tensor): Tensor {
    const features = this.router.gate.weight.shape[0]!;
    if ((x.rank !== 2 && x.rank !== 3) || x.shape.at(-1) !== features) {
      throw new ContractError(
        `MoELayer ${this.name}: the input (shape [${x.shape.join(", ")}]) must be [tokens, ${features}] or [sequences, positions, ${features}]; use the features that the layer was built with.`,
      );
    }
    const isAgain = nextCallIndex(this.#calls) < this.#numCalls;
    this.#numCalls = Math.max(this.#numCalls, this.#calls.callIndex);
    return tidy(() => {
      const tokens = this.#place(x.reshape([-1, features])); // [B, S, D] -> [T, D]
      const routing = this.router.route(tokens, this.expertBias?.variable);
      const { plan, load } = planTokens(routing, {
        where: `MoELayer ${this.name}`,
        numExperts: this.numExperts,
        capacity: this.#capacity,
        parallel: this.#parallel,
        at: this.#rowPlacements(),
        needsLoad: this.training && this.#needsLoad,
      });
      if (load !== undefined && !isAgain) this.#record(load, tokens.shape[0]);
      const routed = this.#visit(tokens, routing.weights, plan);
      const y = this.shared === undefined ? routed : add(routed, this.shared.apply(tokens));
      const whole = this.#attach(y, { routing, load, inputShape: x.shape, isAgain });
      return whole.reshape(x.shape); // [T, D] -> [B, S, D]
    });
  }

  /**
   * Ends a training step: moves the bias by the choices of all its micro-batches, and starts counting anew. No
   * communication: the counts are those of all ranks already. See {@link finishMoEStep}.
   */
  finishStep(): void {
    const bias = this.expertBias;
    const counts = this.#stepCounts;
    if (bias !== undefined && counts.some((count) => count > 0)) {
      const values = tidy(() => bias.variable.clone().dataSync<"float32">().slice());
      const next = nextBalanceBias(values, { counts, rate: this.#balance.biasRate! });
      bias.assign(tensor1d(next, "float32"));
    }
    counts.fill(0);
  }

  get #needsLoad(): boolean {
    return this.onLoad !== undefined || this.expertBias !== undefined || (this.#balance.globalLoss ?? 0) > 0;
  }

  #place(tokens: Tensor): Tensor {
    const parallel = this.#parallel;
    return parallel === undefined ? tokens : shard(tokens, parallel.mesh, tokenPlacements(parallel));
  }

  /** Where the rows lie that visit the experts. */
  #rowPlacements(): PlacementSpec {
    const parallel = this.#parallel;
    if (parallel === undefined) return {};
    const placements = tokenPlacements(parallel);
    const { expertAxis } = parallel;
    const isGathered = expertAxis !== undefined && this.#dispatcher === "all-gather";
    return isGathered ? { ...placements, [expertAxis]: Replicate() } : placements;
  }

  #record({ counts, dropped }: Load, tokens: number): void {
    counts.forEach((count, expert) => (this.#stepCounts[expert]! += count));
    this.onLoad?.({ layer: this.name, step: this.router.step, counts, dropped, tokens });
  }

  #visit(tokens: Tensor, weights: Tensor, plan: TokenPlan): Tensor {
    const parallel = this.#parallel;
    const parameters = expertParameters(this.experts).map(({ variable }) => variable);
    const options = { places: this.#places(tokens.shape), renormalize: this.#capacity?.renormalize ?? false };
    if (parallel === undefined) return visitExperts({ x: tokens, weights, parameters }, plan, options);
    const { mesh, expertAxis, tensorAxis } = parallel;
    const rows = this.#rowPlacements();
    const isGathered = options.places.kind === "gathered";
    const summed = [isGathered ? expertAxis : undefined, tensorAxis].filter((axis) => axis !== undefined);
    const hiddenDims = [2, 1, 2].slice(0, parameters.length);
    const visit = localMap(
      (...locals: Tensor[]) => {
        const [x, w, ...local] = locals as [Tensor, Tensor, ...Tensor[]];
        return visitExperts({ x, weights: w, parameters: local }, plan, options);
      },
      {
        mesh,
        in: [rows, rows, ...hiddenDims.map((dim) => expertPlacements(parallel, dim))],
        out: { ...rows, ...Object.fromEntries(summed.map((axis) => [axis, Partial("sum")])) },
        outShapes: (shape) => [shape],
      },
    );
    const y = visit(tokens, weights, ...parameters);
    return isGathered ? redistribute(y, { [expertAxis!]: Shard(0) }) : y;
  }

  #places(shape: readonly number[]): ExpertPlaces {
    const { mesh, expertAxis } = this.#parallel ?? {};
    if (mesh === undefined || expertAxis === undefined || mesh.sizeOf(expertAxis) === 1)
      return { kind: "here" };
    const group = mesh.group(expertAxis);
    return this.#dispatcher === "all-gather"
      ? { kind: "gathered", group }
      : { kind: "exchanged", group, shape };
  }

  #attach(
    y: Tensor,
    {
      routing,
      load,
      inputShape,
      isAgain,
    }: {
      readonly routing: Routing;
      readonly load: Load | undefined;
      readonly inputShape: readonly number[];
      readonly isAgain: boolean;
    },
  ): Tensor {
    if (!this.training) return y;
    const losses = auxiliaryLosses(this.#balance, {
      where: `MoELayer ${this.name}`,
      ...{ routing, inputShape, counts: load?.counts },
      stepCounts: load && this.#stepCounts,
    });
    if (losses.size === 0) return y;
    if (!isAgain) this.#losses = readLosses(losses);
    return attachLoss(y, sumOfLosses(losses), this.lossScale);
  }
}

/**
 * Ends a training step for every `MoELayer` below `model`: call it once per optimizer step, on all ranks, after all
 * micro-batches. It moves the biases of `balance.biasRate` and starts the counts of `balance.globalLoss` anew.
 *
 * @example
 * ```ts
 * const { grads } = gradients(model, lossFn);
 * optimizer.step(grads);
 * finishMoEStep(model);
 * ```
 * @see Wang et al. 2024, "Auxiliary-loss-free load balancing strategy for mixture-of-experts", algorithm 1,
 * https://arxiv.org/abs/2408.15664
 */
export function finishMoEStep(model: object): void {
  for (const layer of moeLayers(model).values()) layer.finishStep();
}

/** All `MoELayer`s below `model`, by path. */
export function moeLayers(model: object): ReadonlyMap<string, MoELayer> {
  const layers = [...namedModules(model)].filter(([, module]) => module instanceof MoELayer);
  return new Map(layers as [string, MoELayer][]);
}

function createShared(
  { features, activation = "gelu", sharedExperts, initializer, downInitializer }: MoELayerOptions,
  parallel: ResolvedParallel | undefined,
): Module | undefined {
  if (sharedExperts === undefined) return undefined;
  const options: MLPOptions = {
    ...{ features, hiddenFeatures: sharedExperts.hidden, bias: false },
    ...(initializer && { initializer }),
    ...(downInitializer && { downInitializer }),
  };
  if (parallel?.tensorAxis === undefined) {
    return activation === "swiglu" ? new SwiGLUMLP(options) : new GeluMLP(options);
  }
  const at = { mesh: parallel.mesh, axis: parallel.tensorAxis };
  return activation === "swiglu"
    ? new ParallelSwiGLUMLP({ ...options, ...at })
    : new ParallelGeluMLP({ ...options, ...at });
}
