import { describe, expect, test } from "vitest";
import { createTrace } from "./trace.ts";

/** A clock that shows the given times, one per reading. */
function clock(...times: number[]): () => number {
  return () => times.shift() ?? Number.NaN;
}

describe("Trace", () => {
  test("a span returns its body's result and is recorded with its options", () => {
    const trace = createTrace({ rank: 3, now: clock(100, 107.5) });
    const result = trace.span(
      "forward",
      { category: "model", track: "compute", args: { step: 2 } },
      () => 11,
    );
    expect(result).toBe(11);
    expect(trace.events).toEqual([
      {
        kind: "span",
        name: "forward",
        rank: 3,
        track: "compute",
        category: "model",
        startMs: 100,
        durationMs: 7.5,
        args: { step: 2 },
      },
    ]);
  });

  test("nested spans end inner first and lie within the outer one", () => {
    const trace = createTrace({ now: clock(1, 2, 5, 9) });
    expect(trace.span("outer", {}, () => trace.span("inner", { rank: 4 }, () => 13))).toBe(13);
    expect(trace.events).toMatchObject([
      { name: "inner", rank: 4, startMs: 2, durationMs: 3, track: "main", category: "span" },
      { name: "outer", rank: 0, startMs: 1, durationMs: 8 },
    ]);
  });

  test("a span whose body throws is recorded with the message, and the error passes through", () => {
    const trace = createTrace({ now: clock(10, 14) });
    const failure = new RangeError("boom");
    const run = () =>
      trace.span("step", { args: { step: 7 } }, () => {
        throw failure;
      });
    expect(run).toThrow(failure);
    expect(trace.events).toMatchObject([{ name: "step", durationMs: 4, args: { step: 7, error: "boom" } }]);
  });

  test("begin records once, at the first end, with the arguments of both ends", () => {
    const trace = createTrace({ now: clock(20, 26, 99) });
    const end = trace.begin("load", { args: { file: "a" } });
    expect(trace.events).toEqual([]);
    end({ bytes: 5 });
    end({ bytes: 6 });
    expect(trace.events).toMatchObject([{ name: "load", durationMs: 6, args: { file: "a", bytes: 5 } }]);
    expect(trace.events).toHaveLength(1);
  });

  test("a counter keeps the values of its moment", () => {
    const trace = createTrace({ rank: 1, now: clock(50) });
    const values = { tensors: 12, other: 5 };
    trace.counter("live bytes", values);
    values.tensors = 0;
    expect(trace.events).toEqual([
      { kind: "counter", name: "live bytes", rank: 1, timeMs: 50, values: { tensors: 12, other: 5 } },
    ]);
  });

  test("a disabled trace runs bodies and records nothing", () => {
    const trace = createTrace({ enabled: false });
    expect(trace.span("forward", {}, () => 5)).toBe(5);
    trace.begin("load")();
    trace.counter("bytes", { all: 1 });
    trace.add({ kind: "counter", name: "bytes", rank: 0, timeMs: 0, values: {} });
    expect(trace.events).toEqual([]);
  });
});
