/**
 * Interleaved 1F1B: every rank holds v chunks, so that a micro-batch reaches the next rank after 1/v of the time.
 *
 * ```
 *   p = 2, m = 4, v = 2; F = I = W = 1, B = 2; F0 is chunk 0, f0 is chunk 1
 *   rank 0  F0 F1 f0 f1 F2 .. b0 -- F3 b1 -- f2 B0 -- f3 B1 -- .. b2 -- .. b3 -- B2 -- B3 --
 *   rank 1  .. F0 F1 f0 b0 -- f1 b1 -- F2 B0 -- F3 B1 -- f2 b2 -- f3 b3 -- B2 -- B3 -- .. ..
 * ```
 *
 * @packageDocumentation
 */
import type { Action, Schedule } from "../schedule.ts";
import { throwProblems } from "../problems.ts";
import { backward, forward } from "./actions.ts";
import {
  nearestMultiples,
  requireSizes,
  type ChunksOption,
  type RecomputeOption,
  type ScheduleSizes,
} from "./sizes.ts";
import { loopedStages, perRank } from "./stage-placement.ts";

/**
 * Micro-batches go in groups of p: a rank does p forward passes of its chunk 0, p of chunk 1, ..., and then the next group;
 * backward passes start at the last chunk. Bubble share `(p - 1) / (v m + p - 1)`. Rank r keeps at most
 * `(v - 1) p + 2 (p - 1 - r) + 1` inputs of chunks (never more than `v m`).
 *
 * @example
 * ```ts
 * interleaved1F1B({ numRanks: 4, numMicroBatches: 8, chunksPerRank: 2 });
 * ```
 * @throws ContractError if a size is not a positive integer, or if m is not a multiple of p.
 * @see Narayanan et al. 2021, section 2.2.2, https://arxiv.org/abs/2104.04473
 */
export function interleaved1F1B(options: ScheduleSizes & ChunksOption & RecomputeOption): Schedule {
  requireSizes("interleaved1F1B", options);
  const { numRanks, numMicroBatches, chunksPerRank, recompute = false } = options;
  requireWholeGroups(numMicroBatches, numRanks);
  return {
    name: "interleaved",
    numRanks,
    numMicroBatches,
    stages: loopedStages(numRanks, chunksPerRank),
    recompute,
    actions: perRank(numRanks, (rank) => rankActions(rank, options)),
  };
}

function requireWholeGroups(numMicroBatches: number, numRanks: number): void {
  if (numMicroBatches % numRanks === 0) return;
  throwProblems("interleaved1F1B", [
    `numMicroBatches (${numMicroBatches}) must be a multiple of numRanks (${numRanks}); use ${nearestMultiples(numMicroBatches, numRanks)}.`,
  ]);
}

function rankActions(
  rank: number,
  { numRanks, numMicroBatches, chunksPerRank }: ScheduleSizes & ChunksOption,
) {
  const total = numMicroBatches * chunksPerRank;
  const numWarmUp = Math.min(total, (chunksPerRank - 1) * numRanks + 2 * (numRanks - 1 - rank));
  /** The i-th pass of the rank: micro-batches in groups of p, each group chunk by chunk. */
  const microBatchOf = (index: number) =>
    Math.floor(index / (numRanks * chunksPerRank)) * numRanks + (index % numRanks);
  const chunkOf = (index: number) => Math.floor(index / numRanks) % chunksPerRank;

  const actions: Action[] = [];
  for (let index = 0; index < total + numWarmUp; index++) {
    if (index < total) actions.push(forward(microBatchOf(index), chunkOf(index)));
    const done = index - numWarmUp;
    if (done >= 0) actions.push(backward(microBatchOf(done), chunksPerRank - 1 - chunkOf(done)));
  }
  return actions;
}
