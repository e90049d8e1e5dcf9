/**
 * Where every stage lives: the inverse of `schedule.stages`.
 *
 * @packageDocumentation
 */
import type { Schedule } from "./schedule.ts";

/** The rank that holds a stage, and as which of its chunks. */
export interface StagePlace {
  readonly rank: number;
  readonly chunk: number;
}

/** `places[stage]`, 0..p*v-1. */
export function stagePlaces(schedule: Pick<Schedule, "stages">): StagePlace[] {
  const places: StagePlace[] = [];
  schedule.stages.forEach((stages, rank) => {
    stages.forEach((stage, chunk) => {
      places[stage] = { rank, chunk };
    });
  });
  return places;
}
