/**
 * Balance without a loss: a bias per expert that moves the choice, and no gradient.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { tensor1d, tidy, type Tensor } from "@tensorflow/tfjs";
import { expertCounts } from "./balance-losses.ts";

/**
 * `b_i + rate * sign(mean(counts) - counts_i)`: what was chosen too often becomes less attractive, by a fixed step.
 *
 * @param counts - choices per expert over all ranks and micro-batches of one step
 * @returns the new biases
 * @throws ContractError if there are not as many counts as biases.
 * @see Wang et al. 2024, "Auxiliary-loss-free load balancing strategy for mixture-of-experts", algorithm 1,
 * https://arxiv.org/abs/2408.15664
 */
export function nextBalanceBias(
  bias: Float32Array,
  { counts, rate }: { readonly counts: ArrayLike<number>; readonly rate: number },
): Float32Array {
  if (counts.length !== bias.length) {
    throw new ContractError(
      `nextBalanceBias: counts (${counts.length}) must be one per expert (${bias.length}); use expertCounts.`,
    );
  }
  const mean = Array.from(counts).reduce((a, b) => a + b, 0) / counts.length;
  return bias.map((b, expert) => b + rate * Math.sign(mean - counts[expert]!));
}

/** Settings of a {@link BalanceBias}. */
export interface BalanceBiasOptions {
  readonly numExperts: number;
  /** How far a bias moves per step. Default 1e-3, the paper's and DeepSeek-V3's for sigmoid scores. */
  readonly rate?: number;
}

/**
 * The biases of one router, and the counts of the step in progress.
 *
 * Call `record` for each micro-batch and `update` once per step, on all ranks. `values` belongs into a checkpoint.
 *
 * @example
 * ```ts
 * const balance = new BalanceBias({ numExperts: 8 });
 * const { experts } = router.route(x, balance.tensor());
 * balance.record(experts);
 * balance.update(); // after the optimizer's step
 * ```
 * @throws ContractError if a setting is not positive.
 */
export class BalanceBias {
  readonly rate: number;
  #values: Float32Array;
  readonly #counts: Float64Array;

  constructor({ numExperts, rate = 1e-3 }: BalanceBiasOptions) {
    if (!Number.isInteger(numExperts) || numExperts < 1) {
      throw new ContractError(
        `BalanceBias: numExperts (${numExperts}) must be a positive integer; use the router's.`,
      );
    }
    if (!(rate > 0 && Number.isFinite(rate))) {
      throw new ContractError(
        `BalanceBias: rate (${rate}) must be positive and finite; use for example rate: 0.001.`,
      );
    }
    this.rate = rate;
    this.#values = new Float32Array(numExperts);
    this.#counts = new Float64Array(numExperts);
  }

  /** A copy of the biases. */
  get values(): Float32Array {
    return this.#values.slice();
  }

  /** Choices per expert recorded since the last update, over all ranks. */
  get counts(): readonly number[] {
    return Array.from(this.#counts);
  }

  /** float32 `[E]`, the same on every rank; the caller's scope owns it. */
  tensor(): Tensor {
    return tensor1d(this.values, "float32");
  }

  /**
   * Adds the choices of one micro-batch. A collective where the rows of `experts` are split: an all-reduce of `[E]`.
   *
   * @param experts - int32 `[T, K]`
   */
  record(experts: Tensor): void {
    const counts = tidy(() => expertCounts(experts, this.#values.length));
    counts.dataSync<"float32">().forEach((count, expert) => (this.#counts[expert]! += count));
    counts.dispose();
  }

  /** Moves the biases by what was recorded, and starts counting anew. Nothing recorded: nothing moves. */
  update(): void {
    this.#values = nextBalanceBias(this.#values, { counts: this.#counts, rate: this.rate });
    this.#counts.fill(0);
  }

  /**
   * Sets the biases, for example from a checkpoint.
   *
   * @throws ContractError if there are not as many as experts.
   */
  load(values: ArrayLike<number>): void {
    if (values.length !== this.#values.length) {
      throw new ContractError(
        `BalanceBias.load: values (${values.length}) must be one per expert (${this.#values.length}); use the checkpoint of a model with as many experts.`,
      );
    }
    this.#values = Float32Array.from(values);
  }
}
