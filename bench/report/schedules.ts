/**
 * The schedules on paper: pictures, bubbles and memory.
 *
 * @packageDocumentation
 */
import { createSchedule, drawText, SCHEDULE_NAMES, simulate, splitOverChunks } from "@meshwright/pipeline";
import type { Table } from "./table.ts";

/** Small enough to read, and possible for every schedule. */
const PICTURE = { numRanks: 3, numMicroBatches: 6 };
const SIZES = [
  { numRanks: 4, numMicroBatches: 8 },
  { numRanks: 8, numMicroBatches: 32 },
] as const;
/** Of a whole rank. */
const TIMES = { forward: 1, inputGradient: 1, weightGradient: 1 };

/** Every schedule as text, on 3 ranks with 6 micro-batches. */
export function schedulePictures(): string {
  const until = Math.max(...SCHEDULE_NAMES.map((name) => simulated(name, PICTURE).makespan));
  const pictures = SCHEDULE_NAMES.map((name) => {
    const { timeline } = simulated(name, PICTURE);
    return drawText({ ...timeline, name }, { width: 126, until }).trimEnd();
  });
  return `\`\`\`text\n${pictures.join("\n\n")}\n\`\`\``;
}

/** Makespan, bubble and memory of every schedule. */
export function scheduleTable(): Table {
  const header = SIZES.flatMap(({ numRanks, numMicroBatches }) => [
    `p ${numRanks}, m ${numMicroBatches}: makespan`,
    "efficiency",
    "bubble in span",
    "live, rank 0 to p - 1",
  ]);
  return {
    header: ["schedule", ...header],
    rows: SCHEDULE_NAMES.map((name) => [
      name,
      ...SIZES.flatMap((sizes) => {
        const { makespan, efficiency, bubbleSpan, peakLive } = simulated(name, sizes);
        return [
          String(Number(makespan.toFixed(2))),
          efficiency.toFixed(3),
          bubbleSpan.toFixed(3),
          perRank(peakLive),
        ];
      }),
    ]),
  };
}

/** One number if all ranks have the same. */
export function perRank(values: readonly number[]): string {
  return values.every((value) => value === values[0]) ? String(values[0]) : values.join(" ");
}

function simulated(name: string, sizes: { readonly numRanks: number; readonly numMicroBatches: number }) {
  const schedule = createSchedule(name, sizes);
  return simulate(schedule, splitOverChunks(schedule, TIMES));
}
