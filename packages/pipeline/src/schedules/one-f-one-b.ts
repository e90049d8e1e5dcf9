/**
 * 1F1B: after a warm-up, one forward and one backward pass in turn (PipeDream-flush).
 *
 * ```
 *   p = 4, m = 5; F = I = W = 1, B = 2
 *   rank 0  F0 F1 F2 F3 .. .. .. .. .. .. B0 -- F4 B1 -- .. B2 -- .. B3 -- .. B4 --
 *   rank 1  .. F0 F1 F2 .. .. .. .. B0 -- F3 B1 -- F4 B2 -- .. B3 -- .. B4 -- .. ..
 *   rank 2  .. .. F0 F1 .. .. B0 -- F2 B1 -- F3 B2 -- F4 B3 -- .. B4 -- .. .. .. ..
 *   rank 3  .. .. .. F0 B0 -- F1 B1 -- F2 B2 -- F3 B3 -- F4 B4 -- .. .. .. .. .. ..
 * ```
 *
 * @packageDocumentation
 */
import type { Action, Schedule } from "../schedule.ts";
import { backward, each, forward } from "./actions.ts";
import { requireSizes, type RecomputeOption, type ScheduleSizes } from "./sizes.ts";
import { loopedStages, perRank } from "./stage-placement.ts";

/**
 * Rank r warms up with `min(m, p - 1 - r)` forward passes, alternates, and ends with the backward passes that are left.
 * As long as GPipe, but rank r keeps the activations of at most `min(m, p - r)` micro-batches.
 *
 * @example
 * ```ts
 * oneFOneB({ numRanks: 4, numMicroBatches: 8 });
 * ```
 * @throws ContractError if a size is not a positive integer.
 * @see Narayanan et al. 2021, "Efficient Large-Scale Language Model Training on GPU Clusters", section 2.2.1,
 *   https://arxiv.org/abs/2104.04473
 */
export function oneFOneB(options: ScheduleSizes & RecomputeOption): Schedule {
  requireSizes("oneFOneB", options);
  const { numRanks, numMicroBatches, recompute = false } = options;
  return {
    name: "1f1b",
    numRanks,
    numMicroBatches,
    stages: loopedStages(numRanks),
    recompute,
    actions: perRank(numRanks, (rank) => rankActions(numMicroBatches, numRanks - 1 - rank)),
  };
}

function rankActions(numMicroBatches: number, numWarmUp: number): Action[] {
  const actions = each(Math.min(numWarmUp, numMicroBatches), (microBatch) => forward(microBatch));
  for (let done = 0; done < numMicroBatches; done++) {
    const next = done + numWarmUp;
    if (next < numMicroBatches) actions.push(forward(next));
    actions.push(backward(done));
  }
  return actions;
}
