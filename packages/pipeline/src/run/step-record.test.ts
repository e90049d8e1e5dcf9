import { expect, test } from "vitest";
import { joinTimelines } from "./step-record.ts";

test("timelines of ranks are joined on the clock that they share", () => {
  const event = { kind: "F", microBatch: 0, chunk: 0 } as const;
  const joined = joinTimelines({ name: "gpipe", numRanks: 2 }, [
    { startMs: 1000.5, events: [{ ...event, rank: 0, stage: 0, start: 1, end: 3 }] },
    { startMs: 1000.25, events: [{ ...event, rank: 1, stage: 1, start: 4, end: 7.5 }] },
  ]);
  expect(joined).toEqual({
    name: "gpipe, measured",
    unit: "ms",
    numRanks: 2,
    makespan: 6.25,
    events: [
      { ...event, rank: 0, stage: 0, start: 0, end: 2 },
      { ...event, rank: 1, stage: 1, start: 2.75, end: 6.25 },
    ],
  });
});
