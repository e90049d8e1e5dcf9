/**
 * The pipeline schedule that the command line asks for.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { createSchedule, type Schedule } from "@meshwright/pipeline";
import type { GPTCommandOptions } from "./command.ts";

/** Micro-batches per rank on `pp`, unless the user says otherwise. */
const MICRO_BATCHES_PER_RANK = 2;

/**
 * Undefined where nothing is asked for that needs one: a batch that goes through the model in one piece.
 *
 * @throws ContractError if the schedule does not exist for these sizes.
 */
export function scheduleFor({ mesh, extra }: GPTCommandOptions): Schedule | undefined {
  const { schedule, microBatches, chunks, recompute } = extra;
  const numMicroBatches = microBatches ?? (mesh.pp === 1 ? 1 : MICRO_BATCHES_PER_RANK * mesh.pp);
  if (mesh.pp === 1 && numMicroBatches === 1 && chunks === undefined && !recompute) return undefined;
  return createSchedule(schedule, {
    ...{ numRanks: mesh.pp, numMicroBatches, recompute },
    ...(chunks === undefined ? {} : { chunksPerRank: chunks }),
  });
}

/** @throws ContractError, in the words of the command line, if the pipeline does not fit the model or the batch. */
export function checkSchedule(options: GPTCommandOptions): void {
  const schedule = scheduleFor(options);
  if (schedule === undefined) return;
  const { layers, batchSize } = options.extra;
  // The embedding and the head are layers too.
  const [numStages, numLayers] = [schedule.stages.flat().length, layers + 2];
  if (numStages > numLayers) {
    throw new ContractError(
      `--mesh: pp (${options.mesh.pp}, ${numStages} stages) must give every stage one of the ${numLayers} layers (embedding, ${layers} blocks, head); use a smaller pp or --chunks, or --layers ${numStages - 2}.`,
    );
  }
  if (schedule.numMicroBatches > batchSize) {
    throw new ContractError(
      `--micro-batches (${schedule.numMicroBatches}) must be at most --batch-size (${batchSize}); use --batch-size ${schedule.numMicroBatches}.`,
    );
  }
}

/** What to change where micro-batches are split unevenly over `dp`, which costs communication inside the model. */
export function unevenHint(options: GPTCommandOptions): string | undefined {
  const { dp } = options.mesh;
  const { batchSize } = options.extra;
  const numMicroBatches = scheduleFor(options)?.numMicroBatches ?? 1;
  if (numMicroBatches === 1 || (batchSize % dp === 0 && batchSize / dp >= numMicroBatches)) return undefined;
  const better = dp * Math.max(numMicroBatches, Math.ceil(batchSize / dp));
  return `${numMicroBatches} micro-batches of ${batchSize} sequences do not split evenly over dp=${dp}, which costs communication; --batch-size ${better} does`;
}
