/**
 * ZB-H1: 1F1B whose weight gradients wait, and fill the end of the step.
 *
 * ```
 *   p = 3, m = 5; F = I = W = 1
 *   rank 0  F0 F1 F2 .. .. I0 W0 F3 I1 W1 F4 I2 W2 I3 W3 I4 W4
 *   rank 1  .. F0 F1 .. I0 F2 I1 W0 F3 I2 W1 F4 I3 W2 I4 W3 W4
 *   rank 2  .. .. F0 I0 F1 I1 F2 I2 W0 F3 I3 W1 F4 I4 W2 W3 W4
 * ```
 *
 * @packageDocumentation
 */
import type { Action, Schedule } from "../schedule.ts";
import { each, forward, inputGradient, weightGradient } from "./actions.ts";
import { requireSizes, type ScheduleSizes } from "./sizes.ts";
import { loopedStages, perRank } from "./stage-placement.ts";

/**
 * 1F1B with `I` in the place of `B`; rank r does the `W` of a micro-batch after r further `I`, which passes the gradient on
 * earlier and shortens 1F1B's idle time from `(p - 1)(F + I + W)` to `(p - 1)(F + I - W)`. Every rank keeps the activations
 * of at most `min(m, p)` micro-batches, the most that 1F1B has on any rank.
 *
 * @example
 * ```ts
 * zbH1({ numRanks: 4, numMicroBatches: 8 });
 * ```
 * @throws ContractError if a size is not a positive integer.
 * @see Qi et al. 2023, "Zero Bubble Pipeline Parallelism", section 2.1, https://arxiv.org/abs/2401.10241
 */
export function zbH1(options: ScheduleSizes): Schedule {
  requireSizes("zbH1", options);
  const { numRanks, numMicroBatches } = options;
  return {
    name: "zb-h1",
    numRanks,
    numMicroBatches,
    stages: loopedStages(numRanks),
    recompute: false,
    actions: perRank(numRanks, (rank) =>
      rankActions(numMicroBatches, { numWarmUp: numRanks - 1 - rank, numDelayed: rank }),
    ),
  };
}

function rankActions(
  numMicroBatches: number,
  { numWarmUp, numDelayed }: { readonly numWarmUp: number; readonly numDelayed: number },
): Action[] {
  const actions = each(Math.min(numWarmUp, numMicroBatches), (microBatch) => forward(microBatch));
  for (let done = 0; done < numMicroBatches + numDelayed; done++) {
    const next = done + numWarmUp;
    if (next < numMicroBatches) actions.push(forward(next));
    if (done < numMicroBatches) actions.push(inputGradient(done));
    if (done >= numDelayed) actions.push(weightGradient(done - numDelayed));
  }
  return actions;
}
