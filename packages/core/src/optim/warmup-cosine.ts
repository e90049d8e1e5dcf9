/**
 * A learning-rate schedule: linear warm-up, then half a cosine.
 *
 * @packageDocumentation
 */
import { ContractError } from "../errors.ts";

/** A fixed learning rate, or one per step, counted from 0. */
export type LearningRate = number | ((step: number) => number);

/** Where the schedule starts, peaks and ends. */
export interface WarmupCosineOptions {
  /** The learning rate at the end of the warm-up. */
  readonly peak: number;
  /** Steps of the warm-up; 0 for none. */
  readonly warmupSteps: number;
  /** The step from which on the rate is `floor`. */
  readonly totalSteps: number;
  /** Default 0. */
  readonly floor?: number;
}

/**
 * The rate of step `t`, counted from 0: `peak (t + 1) / warmupSteps` while `t < warmupSteps`; then
 * `floor + (peak - floor) (1 + cos(pi f)) / 2` with `f` going from 0 at `warmupSteps` to 1 at `totalSteps`; then `floor`.
 *
 * @example
 * ```ts
 * const rate = warmupCosine({ peak: 1, warmupSteps: 2, totalSteps: 6 });
 * [0, 1, 2, 4, 6].map(rate); // [0.5, 1, 1, 0.5, 0]
 * ```
 * @throws ContractError if the steps are not whole numbers with `0 <= warmupSteps < totalSteps`, or if
 * `0 <= floor <= peak` does not hold.
 * @see Loshchilov and Hutter 2017, "SGDR", section 3, https://arxiv.org/abs/1608.03983
 */
export function warmupCosine(options: WarmupCosineOptions): (step: number) => number {
  const { peak, warmupSteps, totalSteps, floor = 0 } = options;
  const areSteps = Number.isInteger(warmupSteps) && Number.isInteger(totalSteps);
  if (!areSteps || warmupSteps < 0 || warmupSteps >= totalSteps) {
    throw new ContractError(
      `warmupCosine: warmupSteps (${warmupSteps}) and totalSteps (${totalSteps}) must be whole numbers with 0 <= warmupSteps < totalSteps; use a shorter warm-up.`,
    );
  }
  if (!(floor >= 0 && floor <= peak)) {
    throw new ContractError(
      `warmupCosine: floor (${floor}) and peak (${peak}) must satisfy 0 <= floor <= peak; use a smaller floor.`,
    );
  }
  return (step) => {
    if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
    const fraction = Math.min(1, (step - warmupSteps) / (totalSteps - warmupSteps));
    return floor + ((peak - floor) * (1 + Math.cos(Math.PI * fraction))) / 2;
  };
}

/** The learning rate of a step. */
export function learningRateAt(rate: LearningRate, step: number): number {
  return typeof rate === "number" ? rate : rate(step);
}
