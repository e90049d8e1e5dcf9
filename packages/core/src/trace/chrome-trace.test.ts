import { describe, expect, test } from "vitest";
import { toChromeTrace } from "./chrome-trace.ts";
import type { SpanEvent, TraceEvent } from "./trace-event.ts";

const epoch = 1_764_000_000_000;

const span = (name: string, rank: number, startMs: number, track = "main"): SpanEvent => ({
  kind: "span",
  name,
  rank,
  track,
  category: "model",
  startMs: epoch + startMs,
  durationMs: 1.5,
});

describe("toChromeTrace", () => {
  test("ranks become processes, tracks become threads, times start at 0 in microseconds", () => {
    const events: TraceEvent[] = [
      span("backward", 2, 3),
      span("allReduce", 2, 1, "communication"),
      { kind: "counter", name: "live bytes", rank: 0, timeMs: epoch + 2, values: { tensors: 96 } },
    ];
    expect(JSON.parse(toChromeTrace(events))).toEqual({
      displayTimeUnit: "ms",
      traceEvents: [
        { name: "process_name", ph: "M", pid: 2, tid: 0, args: { name: "rank 2" } },
        { name: "process_sort_index", ph: "M", pid: 2, tid: 0, args: { sort_index: 2 } },
        { name: "thread_name", ph: "M", pid: 2, tid: 0, args: { name: "main" } },
        { name: "thread_name", ph: "M", pid: 2, tid: 1, args: { name: "communication" } },
        { name: "process_name", ph: "M", pid: 0, tid: 0, args: { name: "rank 0" } },
        { name: "process_sort_index", ph: "M", pid: 0, tid: 0, args: { sort_index: 0 } },
        { name: "allReduce", ph: "X", pid: 2, tid: 1, ts: 0, dur: 1500, cat: "model" },
        { name: "live bytes", ph: "C", pid: 0, tid: 0, ts: 1000, args: { tensors: 96 } },
        { name: "backward", ph: "X", pid: 2, tid: 0, ts: 2000, dur: 1500, cat: "model" },
      ],
    });
  });

  test.each([
    [["a", "a", "b"], "b rank 2"],
    [["a", "a", "a"], "rank 2"],
  ])("ranks of hosts %j are named %s", (hosts, name) => {
    const { traceEvents } = JSON.parse(toChromeTrace([span("step", 2, 0)], { hosts })) as {
      traceEvents: { args?: unknown }[];
    };
    expect(traceEvents[0]?.args).toEqual({ name });
  });

  test("arguments of a span are kept", () => {
    const event: TraceEvent = {
      ...span("step", 0, 0),
      kind: "span",
      args: { step: 3, name: '"<&>"' },
    };
    const parsed = JSON.parse(toChromeTrace([event])) as { traceEvents: { args?: unknown }[] };
    expect(parsed.traceEvents.at(-1)?.args).toEqual({ step: 3, name: '"<&>"' });
  });

  test("a trace without events is a valid file", () => {
    expect(toChromeTrace([])).toBe('{"displayTimeUnit":"ms","traceEvents":[]}');
  });
});
