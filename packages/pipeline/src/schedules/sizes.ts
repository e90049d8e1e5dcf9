/**
 * The sizes of a schedule, and the rules they obey.
 *
 * Legend: p = ranks on the pipeline axis, m = micro-batches, v = chunks of the model per rank.
 *
 * @packageDocumentation
 */
import { throwProblems } from "../problems.ts";

/** What every schedule needs to know. */
export interface ScheduleSizes {
  /** p, at least 1. */
  readonly numRanks: number;
  /** m, at least 1; may be smaller than p. */
  readonly numMicroBatches: number;
}

/** Of schedules whose forward and backward passes are whole. */
export interface RecomputeOption {
  /** Keep only the input of a stage, and run its forward pass again before the backward pass. Default false. */
  readonly recompute?: boolean;
}

/** Of schedules in which a rank holds several chunks. */
export interface ChunksOption {
  /** v, at least 1. */
  readonly chunksPerRank: number;
}

/** @throws ContractError that names every size that is not a positive integer. */
export function requireSizes(where: string, sizes: ScheduleSizes & Partial<ChunksOption>): void {
  const { numRanks, numMicroBatches, chunksPerRank = 1 } = sizes;
  const wrong = Object.entries({ numRanks, numMicroBatches, chunksPerRank }).filter(
    ([, size]) => !Number.isInteger(size) || size < 1,
  );
  throwProblems(
    where,
    wrong.map(
      ([name, size]) => `${name} (${size}) must be a positive integer; use ${nearestPositive(size)}.`,
    ),
  );
}

/** The multiples of `divisor` next to `value`, in words: `"4 or 8"`. */
export function nearestMultiples(value: number, divisor: number): string {
  const below = Math.floor(value / divisor) * divisor;
  return below === 0 ? `${divisor}` : `${below} or ${below + divisor}`;
}

function nearestPositive(size: number): string {
  if (!(size > 1) || !Number.isFinite(size)) return "1 or more";
  return `${Math.floor(size)} or ${Math.ceil(size)}`;
}
