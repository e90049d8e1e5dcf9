/**
 * Schedules by name, for command lines and configuration files.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { throwProblems } from "../problems.ts";
import type { Schedule } from "../schedule.ts";
import { gpipe } from "./gpipe.ts";
import { interleaved1F1B } from "./interleaved-1f1b.ts";
import { loopedBFS } from "./looped-bfs.ts";
import { oneFOneB } from "./one-f-one-b.ts";
import type { ChunksOption, RecomputeOption, ScheduleSizes } from "./sizes.ts";
import { zbH1 } from "./zb-h1.ts";
import { zbV } from "./zbv.ts";

/** The sizes, and what some schedules need beside them. */
export interface CreateScheduleOptions extends ScheduleSizes, Partial<ChunksOption>, RecomputeOption {}

/** The names that `createSchedule` knows. */
export type ScheduleName = "gpipe" | "1f1b" | "interleaved" | "looped-bfs" | "zb-h1" | "zbv";

interface Entry {
  readonly create: (options: ScheduleSizes & ChunksOption & RecomputeOption) => Schedule;
  /** Chunks per rank unless the caller says otherwise. */
  readonly chunksPerRank: number;
  readonly takesChunks: boolean;
  readonly takesRecompute: boolean;
}

const ENTRIES: Readonly<Record<ScheduleName, Entry>> = {
  gpipe: { create: gpipe, chunksPerRank: 1, takesChunks: false, takesRecompute: true },
  "1f1b": { create: oneFOneB, chunksPerRank: 1, takesChunks: false, takesRecompute: true },
  interleaved: { create: interleaved1F1B, chunksPerRank: 2, takesChunks: true, takesRecompute: true },
  "looped-bfs": { create: loopedBFS, chunksPerRank: 2, takesChunks: true, takesRecompute: true },
  "zb-h1": { create: zbH1, chunksPerRank: 1, takesChunks: false, takesRecompute: false },
  zbv: { create: zbV, chunksPerRank: 2, takesChunks: false, takesRecompute: false },
};

/** All names, in the order in which the schedules were published. */
export const SCHEDULE_NAMES: readonly ScheduleName[] = Object.keys(ENTRIES) as ScheduleName[];

/**
 * The schedule called `name`.
 *
 * | name          | chunks per rank | recompute | constructor       |
 * | ------------- | --------------- | --------- | ----------------- |
 * | `gpipe`       | 1               | yes       | `gpipe`           |
 * | `1f1b`        | 1               | yes       | `oneFOneB`        |
 * | `interleaved` | any, default 2  | yes       | `interleaved1F1B` |
 * | `looped-bfs`  | any, default 2  | yes       | `loopedBFS`       |
 * | `zb-h1`       | 1               | no        | `zbH1`            |
 * | `zbv`         | 2               | no        | `zbV`             |
 *
 * @example
 * ```ts
 * createSchedule("interleaved", { numRanks: 4, numMicroBatches: 8, chunksPerRank: 4 });
 * ```
 * @throws ContractError if the name is unknown, an option is none of that schedule's, or the sizes break its rule.
 */
export function createSchedule(name: string, options: CreateScheduleOptions): Schedule {
  if (!isScheduleName(name)) {
    throw new ContractError(
      `createSchedule: name ("${name}") must be one of ${SCHEDULE_NAMES.join(", ")}; use "1f1b" where in doubt.`,
    );
  }
  const entry = ENTRIES[name];
  const { chunksPerRank = entry.chunksPerRank, recompute = false } = options;
  const problems: string[] = [];
  if (!entry.takesChunks && chunksPerRank !== entry.chunksPerRank) {
    problems.push(
      `chunksPerRank (${chunksPerRank}) must be ${entry.chunksPerRank} for ${name}; use ${entry.chunksPerRank}, or ${namesWhere("takesChunks")}.`,
    );
  }
  if (!entry.takesRecompute && recompute) {
    problems.push(
      `recompute (true) must be false for ${name}, whose W needs what its F kept; use false, or ${namesWhere("takesRecompute")}.`,
    );
  }
  throwProblems("createSchedule", problems);
  return entry.create({ ...options, chunksPerRank, recompute });
}

function isScheduleName(name: string): name is ScheduleName {
  return Object.hasOwn(ENTRIES, name);
}

function namesWhere(property: "takesChunks" | "takesRecompute"): string {
  return SCHEDULE_NAMES.filter((name) => ENTRIES[name][property]).join(" or ");
}
