import { toChromeTrace, type TraceEvent } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { oneFOneB } from "../schedules/one-f-one-b.ts";
import { simulate } from "../simulate/simulate.ts";
import { gpipeTimeline, zeroBubbleTimeline } from "./timelines.fixture.ts";
import { toTraceEvents } from "./to-trace.ts";

/** The values of a rank's counter over time: `[time, value]`. */
function counter(events: readonly TraceEvent[], name: string, rank: number): number[][] {
  return events.flatMap((event) =>
    event.kind === "counter" && event.name === name && event.rank === rank
      ? [[event.timeMs, ...Object.values(event.values)]]
      : [],
  );
}

describe("toTraceEvents", () => {
  test("an action is a span on the track of its rank", () => {
    const spans = toTraceEvents(gpipeTimeline).filter(({ kind }) => kind === "span");
    expect(spans).toHaveLength(18);
    expect(spans[6 + 4]).toEqual({
      kind: "span",
      name: "B1",
      rank: 1,
      track: "pipeline",
      category: "backward",
      startMs: 9,
      durationMs: 2,
      args: { microBatch: 1, stage: 1, chunk: 0 },
    });
  });

  test("activations live from F to B", () => {
    expect(counter(toTraceEvents(gpipeTimeline), "live activations", 1)).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
      [9, 2],
      [11, 1],
      [13, 0],
    ]);
  });

  test("activations live until W where B is split, and one moment has one value", () => {
    expect(counter(toTraceEvents(zeroBubbleTimeline), "live activations", 0)).toEqual([
      [0, 1],
      [1, 2],
      [5, 2], // W0 released one when F2 took one
      [8, 1],
      [10, 0],
    ]);
  });

  test("a simulation's memory adds the bytes", () => {
    const schedule = oneFOneB({ numRanks: 2, numMicroBatches: 3 });
    const simulation = simulate(schedule, {
      forward: 1,
      inputGradient: 1,
      weightGradient: 1,
      activationBytes: [100, 30],
    });
    const events = toTraceEvents(simulation.timeline, { memory: simulation.memory });
    expect(counter(events, "live bytes", 1)).toEqual([
      [1, 30],
      [4, 30],
      [7, 30],
      [10, 0],
    ]);
    expect(counter(events, "live bytes", 0).map(([, bytes]) => bytes)).toEqual([100, 200, 200, 100, 0]);
    expect(counter(toTraceEvents(simulation.timeline), "live bytes", 0)).toEqual([]);
  });

  test("two timelines lie beside each other under names of their own, at their time", () => {
    const events = [
      ...toTraceEvents(gpipeTimeline, { track: "predicted", startMs: 100 }),
      ...toTraceEvents(gpipeTimeline, { track: "measured", startMs: 107 }),
    ];
    expect(counter(events, "live activations (measured)", 2)[0]).toEqual([109, 1]);
    const { traceEvents } = JSON.parse(toChromeTrace(events)) as {
      traceEvents: { ph: string; name: string; pid: number; tid: number; ts?: number; args?: object }[];
    };
    expect(traceEvents.filter(({ name, pid }) => name === "thread_name" && pid === 2)).toEqual([
      { name: "thread_name", ph: "M", pid: 2, tid: 0, args: { name: "predicted" } },
      { name: "thread_name", ph: "M", pid: 2, tid: 1, args: { name: "measured" } },
    ]);
    expect(traceEvents.find(({ ph, pid, tid }) => ph === "X" && pid === 0 && tid === 1)?.ts).toBe(7000);
  });
});
