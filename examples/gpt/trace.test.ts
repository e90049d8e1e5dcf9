import { expect, test } from "vitest";
import type { TrainResult } from "./run-data.ts";
import { traceOf } from "./trace.ts";

/** A rank of a pipeline of two that did F of stage `position`, and one call. */
function rankResult(position: number): TrainResult {
  return {
    host: "a",
    engine: "wasm",
    parameters: 1,
    parameterHash: "",
    finalHash: "",
    losses: [],
    validation: [],
    timings: [],
    communication: [],
    collectives: [
      {
        group: "pp",
        collective: position === 0 ? "send" : "receive",
        label: "activation of micro-batch 0 for stage 1",
        startMs: 1_005 + position,
        durationMs: 2,
        liveBytes: 64 + position,
      },
    ],
    part: { blocks: 1, buckets: 1 },
    pipeline: {
      position,
      isFirstReplica: true,
      timeline: {
        startMs: 1_000,
        events: [{ rank: position, kind: "F", microBatch: 0, stage: position, chunk: 0, start: 1, end: 4 }],
      },
      peakLive: 1,
      peakBytes: 0,
    },
    bytes: { parameters: 4, optimizer: 8, live: 12 },
    sample: [],
  };
}

test("a trace holds work, collectives and memory of every rank, on one clock", () => {
  const events = traceOf([rankResult(0), rankResult(1)]);
  const spans = events.flatMap((event) =>
    event.kind === "span" ? [[event.rank, event.name, event.track, event.startMs, event.durationMs]] : [],
  );
  expect(spans).toEqual([
    [0, "F0", "pipeline", 1_001, 3],
    [0, "send", "pp communication", 1_005, 2],
    [1, "F0", "pipeline", 1_001, 3],
    [1, "receive", "pp communication", 1_006, 2],
  ]);
  const bytes = events.flatMap((event) =>
    event.kind === "counter" && event.name === "live bytes" ? [event] : [],
  );
  expect(bytes.map(({ rank, timeMs, values }) => [rank, timeMs, values.bytes])).toEqual([
    [0, 1_007, 64],
    [1, 1_008, 65],
  ]);
});
