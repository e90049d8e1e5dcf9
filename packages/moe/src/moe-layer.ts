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
import { ContractError, nextCallIndex, Parameter, type CallCounter, type Module } from "@meshwright/core";
import { shard, type MeshAxes } from "@meshwright/sharding";
import { add, sum, tensor1d, tidy, type Scalar, type Tensor } from "@tensorflow/tfjs";
import { attachLoss } from "./attach-loss.ts";
import { auxiliaryLosses, readLosses, stackLosses, type AuxiliaryLosses } from "./auxiliary-losses.ts";
import { nextBalanceBias } from "./balance-bias.ts";
import { checkMoELayer } from "./check-moe-layer.ts";
import type { Routing } from "./choose-experts.ts";
import { ExpertDispatch } from "./expert-dispatch.ts";
import type { Offer } from "./expert-choice.ts";
import type { Load } from "./expert-load.ts";
import { createExperts, type Experts } from "./experts.ts";
import type { ExpertLoadRecord } from "./load/expert-load-record.ts";
import {
  resolveParallel,
  withPlainNames,
  type BalanceOptions,
  type LayerCapacity,
  type MoELayerOptions,
  type ResolvedParallel,
} from "./moe-layer-options.ts";
import { tokenPlacements } from "./rank-rows.ts";
import { Router } from "./router.ts";
import { createSharedExperts } from "./shared-experts.ts";
import { planTokens } from "./token-plan.ts";

/** A call of `apply`. */
interface Call {
  readonly index: number;
  /** False where a `checkpoint` runs it again in the backward pass. */
  readonly isFirst: boolean;
}

/**
 * `y_t = sum over the K experts j of token t of w_tj expert_j(x_t)`, plus the shared experts; in place of a block's
 * feed-forward module. With `expertChoice` the sum goes over the experts that took the token.
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
 * Collectives block the rank that makes them, so shared experts run before or after the exchange, not beside it.
 *
 * Auxiliary losses are attached to `y` and need not be added to the model's loss. Under `accumulateGradients` and in
 * pipelines they count by their micro-batch's share (`lossScale`). After each step call `finishMoEStep`.
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
  /** Experts per token; with expert choice on average. */
  readonly topK: number;
  /** Whether experts choose tokens, and not tokens experts. */
  readonly expertChoice: boolean;
  /** Whether there are losses, records and noise; `setTraining` sets it for a whole model. */
  training = true;
  /** What the auxiliary losses of the next call are multiplied by; `setLossScale` sets it for a whole model. */
  lossScale = 1;
  /**
   * Called after each forward pass in training, not when a pass is recomputed. Set it on all ranks or on none: they add up
   * their loads.
   */
  onLoad: ((record: ExpertLoadRecord) => void) | undefined;
  readonly #balance: BalanceOptions;
  readonly #capacity: LayerCapacity | undefined;
  readonly #dispatch: ExpertDispatch;
  readonly #parallel: ResolvedParallel | undefined;
  /** Choices per expert since the last `finishStep`, over all ranks. */
  readonly #stepCounts: Float64Array;
  /** Numbers the calls, so that one that is recomputed is known by its number; no part of the model's state. */
  readonly #calls: CallCounter = { callIndex: 0 };
  #numCalls = 0;
  /** What the step counts were in each call of the step; its recomputation uses them again. */
  readonly #countsOfCalls = new Map<number, Float64Array>();
  #losses: AuxiliaryLosses = {};

  constructor(options: MoELayerOptions<Axes>) {
    const { features, numExperts, topK, name, seed, balance = {}, expertChoice = false } = options;
    const plain: MoELayerOptions = { ...options, parallel: withPlainNames(options.parallel) };
    checkMoELayer(plain);
    this.name = name;
    this.numExperts = numExperts;
    this.topK = topK;
    this.expertChoice = expertChoice;
    this.#parallel = resolveParallel(plain);
    this.router = new Router({
      ...(expertChoice && { order: "scoreFirst" }),
      ...options.router,
      ...{ features, numExperts, topK, name: `${name}.router` },
      ...(seed !== undefined && { seed }),
    });
    this.experts = createExperts(plain, this.#parallel);
    this.shared = createSharedExperts(plain, this.#parallel);
    const initializer = { kind: "zeros" } as const;
    this.expertBias =
      (balance.biasRate ?? 0) > 0 ? new Parameter({ shape: [numExperts], initializer }) : undefined;
    this.onLoad = options.onLoad;
    this.#balance = balance;
    this.#capacity = options.capacity;
    this.#dispatch = new ExpertDispatch(this.experts, {
      parallel: this.#parallel,
      dispatcher: options.dispatcher ?? "all-to-all",
      renormalize: options.capacity?.renormalize ?? false,
    });
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
    const call = this.#nextCall();
    return tidy(() => {
      const tokens = this.#place(x.reshape([-1, features])); // [B, S, D] -> [T, D]
      const routing: Routing | Offer = this.expertChoice
        ? this.router.offer(tokens)
        : this.router.route(tokens, this.expertBias?.variable);
      const { plan, load } = planTokens(routing, {
        where: `MoELayer ${this.name}`,
        numExperts: this.numExperts,
        capacity: this.#capacity,
        expertChoice: this.expertChoice ? { topK: this.topK } : undefined,
        parallel: this.#parallel,
        at: this.#dispatch.at,
        needsLoad: this.training && this.#needsLoad,
      });
      if (load !== undefined && call.isFirst) this.#record(load, { call, tokens: tokens.shape[0] });
      const routed = this.#dispatch.run(tokens, routing.weights, plan);
      const y = this.shared === undefined ? routed : add(routed, this.shared.apply(tokens));
      const whole = this.#attach(y, { routing, load, inputShape: x.shape, call });
      return whole.reshape(x.shape); // [T, D] -> [B, S, D]
    });
  }

  /**
   * Ends a training step: moves the bias by the choices of all its micro-batches, and starts counting anew. No
   * communication: the counts are those of all ranks already. See `finishMoEStep`.
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
    this.#countsOfCalls.clear();
  }

  #nextCall(): Call {
    const index = nextCallIndex(this.#calls);
    const isFirst = index >= this.#numCalls;
    if (isFirst) this.#numCalls = index + 1;
    return { index, isFirst };
  }

  get #needsLoad(): boolean {
    return this.onLoad !== undefined || this.expertBias !== undefined || (this.#balance.globalLoss ?? 0) > 0;
  }

  #place(tokens: Tensor): Tensor {
    const parallel = this.#parallel;
    return parallel === undefined ? tokens : shard(tokens, parallel.mesh, tokenPlacements(parallel));
  }

  #record(
    { counts, dropped }: Load,
    { call, tokens }: { readonly call: Call; readonly tokens: number },
  ): void {
    counts.forEach((count, expert) => (this.#stepCounts[expert]! += count));
    if ((this.#balance.globalLoss ?? 0) > 0) this.#countsOfCalls.set(call.index, this.#stepCounts.slice());
    this.onLoad?.({ layer: this.name, step: this.router.step, counts, dropped, tokens });
  }

  #attach(
    y: Tensor,
    {
      routing,
      load,
      inputShape,
      call,
    }: {
      readonly routing: Routing | Offer;
      readonly load: Load | undefined;
      readonly inputShape: readonly number[];
      readonly call: Call;
    },
  ): Tensor {
    if (!this.training) return y;
    const losses = auxiliaryLosses(this.#balance, {
      where: `MoELayer ${this.name}`,
      ...{ routing, inputShape, counts: load?.counts },
      stepCounts: this.#countsOfCalls.get(call.index),
    });
    if (losses.size === 0) return y;
    // Made when recomputing too, which must run the same kernels.
    const stacked = stackLosses(losses);
    if (call.isFirst) this.#losses = readLosses(losses, stacked);
    return attachLoss(y, sum<Scalar>(stacked), this.lossScale);
  }
}
