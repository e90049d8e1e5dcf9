/**
 * GPipe: all forward passes, then all backward passes.
 *
 * ```
 *   p = 4, m = 3; F = I = W = 1, B = 2
 *   rank 0  F0 F1 F2 .. .. .. .. .. .. .. .. .. B0 -- B1 -- B2 --
 *   rank 1  .. F0 F1 F2 .. .. .. .. .. .. B0 -- B1 -- B2 -- .. ..
 *   rank 2  .. .. F0 F1 F2 .. .. .. B0 -- B1 -- B2 -- .. .. .. ..
 *   rank 3  .. .. .. F0 F1 F2 B0 -- B1 -- B2 -- .. .. .. .. .. ..
 * ```
 *
 * @packageDocumentation
 */
import type { Schedule } from "../schedule.ts";
import { backward, each, forward } from "./actions.ts";
import { requireSizes, type RecomputeOption, type ScheduleSizes } from "./sizes.ts";
import { loopedStages, perRank } from "./stage-placement.ts";

/**
 * Every rank does `F0 ... F(m-1)`, then `B0 ... B(m-1)`. Bubble share `(p - 1) / (m + p - 1)`; every rank keeps the
 * activations of all m micro-batches, or with `recompute` only the inputs of its stage.
 *
 * The backward passes run in the order of the micro-batches, as in all schedules here (the paper's picture shows the
 * reverse), so that all schedules sum the gradients in the same order and give the same bits.
 *
 * @example
 * ```ts
 * gpipe({ numRanks: 4, numMicroBatches: 8 });
 * ```
 * @throws ContractError if a size is not a positive integer.
 * @see Huang et al. 2018, "GPipe", section 2.3, https://arxiv.org/abs/1811.06965
 */
export function gpipe(options: ScheduleSizes & RecomputeOption): Schedule {
  requireSizes("gpipe", options);
  const { numRanks, numMicroBatches, recompute = false } = options;
  return {
    name: "gpipe",
    numRanks,
    numMicroBatches,
    stages: loopedStages(numRanks),
    recompute,
    actions: perRank(numRanks, () => [
      ...each(numMicroBatches, (microBatch) => forward(microBatch)),
      ...each(numMicroBatches, (microBatch) => backward(microBatch)),
    ]),
  };
}
