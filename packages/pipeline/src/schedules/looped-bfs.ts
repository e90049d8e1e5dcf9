/**
 * Looped breadth-first: every rank holds v chunks and takes all micro-batches through one before it turns to the next.
 *
 * ```
 *   p = 2, m = 3, v = 2; F = I = W = 1, B = 2; F0 is chunk 0, f0 is chunk 1
 *   rank 0  F0 F1 F2 f0 f1 f2 .. .. .. b0 -- b1 -- b2 -- B0 -- B1 -- B2 --
 *   rank 1  .. F0 F1 F2 f0 f1 f2 b0 -- b1 -- b2 -- B0 -- B1 -- B2 -- .. ..
 * ```
 *
 * @packageDocumentation
 */
import type { Action, Schedule } from "../schedule.ts";
import { backward, each, forward } from "./actions.ts";
import { requireSizes, type ChunksOption, type RecomputeOption, type ScheduleSizes } from "./sizes.ts";
import { loopedStages, perRank } from "./stage-placement.ts";

/**
 * All forward passes of chunk 0, of chunk 1, ...; then all backward passes of the last chunk, of the one before, ... For
 * `m >= p` as long as interleaved 1F1B, with `v m` inputs of chunks kept; a chunk's weights are needed, and its gradients
 * complete, only twice per step, which is what fully sharded weights want.
 *
 * @example
 * ```ts
 * loopedBFS({ numRanks: 4, numMicroBatches: 8, chunksPerRank: 2 });
 * ```
 * @throws ContractError if a size is not a positive integer.
 * @see Lamy-Poirier 2022, "Breadth-First Pipeline Parallelism", section 4, https://arxiv.org/abs/2211.05953
 */
export function loopedBFS(options: ScheduleSizes & ChunksOption & RecomputeOption): Schedule {
  requireSizes("loopedBFS", options);
  const { numRanks, numMicroBatches, chunksPerRank, recompute = false } = options;
  return {
    name: "looped-bfs",
    numRanks,
    numMicroBatches,
    stages: loopedStages(numRanks, chunksPerRank),
    recompute,
    actions: perRank(numRanks, () => rankActions(numMicroBatches, chunksPerRank)),
  };
}

function rankActions(numMicroBatches: number, chunksPerRank: number): Action[] {
  const chunks = Array.from({ length: chunksPerRank }, (_, chunk) => chunk);
  return [
    ...chunks.flatMap((chunk) => each(numMicroBatches, (microBatch) => forward(microBatch, chunk))),
    ...chunks
      .toReversed()
      .flatMap((chunk) => each(numMicroBatches, (microBatch) => backward(microBatch, chunk))),
  ];
}
