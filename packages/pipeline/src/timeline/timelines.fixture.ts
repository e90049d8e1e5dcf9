/**
 * Small timelines for tests, written by hand.
 *
 * @packageDocumentation
 */
import type { Timeline, TimelineEvent } from "../timeline-record.ts";

/** From words like `F0@0-1` (start and end), one row per rank; a rank has one stage. */
function fromRows(name: string, rows: readonly string[]): Timeline {
  const events = rows.flatMap((row, rank) =>
    [...row.matchAll(/([FBIW])(\d+)@(\d+)-(\d+)/g)].map(
      ([, kind, microBatch, start, end]): TimelineEvent => ({
        rank,
        kind: kind as TimelineEvent["kind"],
        microBatch: Number(microBatch),
        stage: rank,
        chunk: 0,
        start: Number(start),
        end: Number(end),
      }),
    ),
  );
  const makespan = Math.max(...events.map(({ end }) => end));
  return { name, unit: "cost", numRanks: rows.length, makespan, events };
}

/** GPipe on 3 ranks with 3 micro-batches; F = 1, B = 2. */
export const gpipeTimeline: Timeline = fromRows("gpipe", [
  "F0@0-1 F1@1-2 F2@2-3 B0@9-11 B1@11-13 B2@13-15",
  "F0@1-2 F1@2-3 F2@3-4 B0@7-9 B1@9-11 B2@11-13",
  "F0@2-3 F1@3-4 F2@4-5 B0@5-7 B1@7-9 B2@9-11",
]);

/** ZB-H1 on 2 ranks with 3 micro-batches; F = I = W = 1. */
export const zeroBubbleTimeline: Timeline = fromRows("zb-h1", [
  "F0@0-1 F1@1-2 I0@3-4 W0@4-5 F2@5-6 I1@6-7 W1@7-8 I2@8-9 W2@9-10",
  "F0@1-2 I0@2-3 F1@3-4 I1@4-5 W0@5-6 F2@6-7 I2@7-8 W1@8-9 W2@9-10",
]);
