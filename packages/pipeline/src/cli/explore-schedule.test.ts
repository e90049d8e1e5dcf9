import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { exploreSchedule } from "./explore-schedule.ts";

describe("exploreSchedule", () => {
  test("shows the figures above the drawing", () => {
    expect(exploreSchedule({ name: "zb-h1", stages: 3, microBatches: 4 }).text).toBe(
      [
        "zb-h1: 3 stages, 4 micro-batches, F 1, I 1, W 1",
        "",
        "makespan      14      in the unit of the costs",
        "efficiency    0.8571  share of all ranks' time that is useful work",
        "bubbleGlobal  0.1429  idle share of all ranks' time",
        "bubbleSpan    0.0769  idle share between each rank's first and last action",
        "peakLive      3 3 3   micro-batches kept by rank 0, 1, ... (of one chunk each)",
        "",
        "rank 0  F0F1F2....I0W0F3I1W1I2W2I3W3",
        "rank 1  ..F0F1..I0F2I1W0F3I2W1I3W2W3",
        "rank 2  ....F0I0F1I1F2I2W0F3I3W1W2W3",
        "        0         5         10",
        "F forward, I input gradient, W weight gradient, . idle",
      ].join("\n"),
    );
  });

  test("the JSON holds the figures, and the actions rank by rank", () => {
    const { json } = exploreSchedule({ name: "interleaved", stages: 2, microBatches: 4, latency: 0.25 });
    const { actions, bubbleGlobal, bubbleSpan, efficiency, ...rest } = JSON.parse(json) as {
      actions: unknown[][];
      bubbleGlobal: number;
      bubbleSpan: number;
      efficiency: number;
    };
    // Each rank works for 4 (F + I + W) = 12; rank 1 starts 0.75 after rank 0 (a chunk's F, and the latency) and ends with its
    // last B, a latency and a chunk's B earlier: the spans are 15 and 15 - 0.75 - 1.25.
    expect(rest).toEqual({
      name: "interleaved",
      stages: 2,
      microBatches: 4,
      chunks: 2,
      recompute: false,
      costs: [1, 1, 1],
      latency: 0.25,
      makespan: 15,
      peakLive: [5, 3],
      placement: [
        [0, 2],
        [1, 3],
      ],
    });
    expect(bubbleGlobal).toBeCloseTo(1 - 24 / 30, 12);
    expect(bubbleSpan).toBeCloseTo(1 - 24 / 28, 12);
    expect(efficiency).toBeCloseTo(24 / 30, 12);
    expect(actions.map((row) => row.length)).toEqual([16, 16]);
    expect(actions[1]?.slice(0, 4)).toEqual([
      { kind: "F", microBatch: 0, chunk: 0 },
      { kind: "F", microBatch: 1, chunk: 0 },
      { kind: "F", microBatch: 0, chunk: 1 },
      { kind: "B", microBatch: 0, chunk: 1 },
    ]);
  });

  test.each([
    ["zb-h1", { stages: 4, microBatches: 8 }, 27],
    ["interleaved", { stages: 4, microBatches: 8, chunks: 4 }, 26.25],
    ["gpipe", { stages: 4, microBatches: 3, costs: [1, 1, 2] as const }, 24],
    ["gpipe", { stages: 4, microBatches: 3, costs: [1, 1, 2] as const, recompute: true }, 30],
  ])("%s %j takes %d", (name, options, makespan) => {
    expect(JSON.parse(exploreSchedule({ name, ...options }).json)).toMatchObject({ makespan });
  });

  test("the SVG and the trace show every action", () => {
    const { svg, trace } = exploreSchedule({ name: "zbv", stages: 2, microBatches: 3 });
    const numActions = 2 * 2 * 3 * 3;
    expect(svg.match(/<rect [^>]*><title>/g)).toHaveLength(numActions);
    const { traceEvents } = JSON.parse(trace) as { traceEvents: { ph: string }[] };
    expect(traceEvents.filter(({ ph }) => ph === "X")).toHaveLength(numActions);
  });

  test("a schedule with very many actions is drawn without tooltips", () => {
    const { svg } = exploreSchedule({ name: "gpipe", stages: 2, microBatches: 2501 });
    expect(svg).not.toMatch(/<rect [^>]*><title>/);
    expect(svg.length).toBeLessThan(500_000);
  });

  test.each([
    [
      { name: "zero", stages: 2, microBatches: 3 },
      `meshwright schedule: --name ("zero") must be one of gpipe, 1f1b, interleaved, looped-bfs, zb-h1, zbv; use "1f1b" where in doubt.`,
    ],
    [
      { name: "interleaved", stages: 4, microBatches: 10 },
      "meshwright schedule: --micro-batches (10) must be a multiple of --stages (4); use 8 or 12.",
    ],
    [
      { name: "1f1b", stages: 4, microBatches: 10, chunks: 2 },
      "meshwright schedule: --chunks (2) must be 1 for 1f1b; use 1, or interleaved or looped-bfs.",
    ],
    [
      { name: "1f1b", stages: 0, microBatches: -1 },
      "meshwright schedule: --stages (0) must be a positive integer; use 1 or more. --micro-batches (-1) must be a positive integer; use 1 or more.",
    ],
    [
      { name: "1f1b", stages: 2, microBatches: 3, costs: [1, NaN, 1] as const, latency: -1 },
      "meshwright schedule: I of --costs (NaN) must be a finite number of at least 0; use 0 for what costs nothing. --latency (-1) must be a finite number of at least 0; use 0 for what costs nothing.",
    ],
    [
      { name: "1f1b", stages: 2, microBatches: 3, width: 8 },
      "meshwright schedule: --width (8) must be a whole number above that of the rank names (8); use 80 or more.",
    ],
  ])("%j is refused on one line, in the words of the command line", (options, message) => {
    expect(() => exploreSchedule(options)).toThrow(new ContractError(message));
  });
});
