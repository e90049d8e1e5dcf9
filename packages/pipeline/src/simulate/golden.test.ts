/** Makespans, bubbles and peaks that follow from the formulas of the papers, at `F = I = W = 1` per rank. */
import { describe, expect, test } from "vitest";
import { createSchedule } from "../schedules/create-schedule.ts";
import { splitOverChunks } from "./costs.ts";
import { simulate, type Simulation } from "./simulate.ts";

const RANK_TIMES = { forward: 1, inputGradient: 1, weightGradient: 1 };

function simulateAtUnitCosts(name: string, p: number, m: number, v?: number): Simulation {
  const sizes = { numRanks: p, numMicroBatches: m };
  const schedule = createSchedule(name, v === undefined ? sizes : { ...sizes, chunksPerRank: v });
  return simulate(schedule, splitOverChunks(schedule, RANK_TIMES));
}

describe("golden makespans", () => {
  test.each([
    ["gpipe", undefined, 33, 93],
    ["1f1b", undefined, 33, 93],
    ["zb-h1", undefined, 27, 79],
    ["interleaved", 2, 28.5, 82.5],
    ["interleaved", 4, 26.25, 77.25],
    ["looped-bfs", 2, 28.5, 82.5],
    ["zbv", undefined, 25.5, 75.5],
  ])("of %s with %s chunks: p 4, m 8 takes %f and p 8, m 24 takes %f", (name, v, small, large) => {
    // Halves and quarters are exact in binary, so the sums are.
    expect(simulateAtUnitCosts(name, 4, 8, v).makespan).toBe(small);
    expect(simulateAtUnitCosts(name, 8, 24, v).makespan).toBe(large);
  });

  test("GPipe with 8 ranks and 32 micro-batches is busy 32 / 39 of the time", () => {
    const { efficiency, bubbleGlobal } = simulateAtUnitCosts("gpipe", 8, 32);
    expect(efficiency).toBeCloseTo(32 / 39, 14);
    expect(bubbleGlobal).toBeCloseTo(7 / 39, 14);
  });

  test("ZBV ranks never wait between their first and last action, though they start one after the other", () => {
    const { bubbleSpan, bubbleSpanPerRank, bubbleGlobal } = simulateAtUnitCosts("zbv", 4, 8);
    expect(bubbleSpan).toBe(0);
    expect(bubbleSpanPerRank).toEqual([0, 0, 0, 0]);
    expect(bubbleGlobal).toBeCloseTo(1.5 / 25.5, 14);
  });

  test("ZB-H1 waits on rank 0 only as long as I is longer than W by ranks", () => {
    // Rank r starts at r and all end at 27, with 24 of work.
    const { bubbleSpanPerRank } = simulateAtUnitCosts("zb-h1", 4, 8);
    expect(bubbleSpanPerRank).toEqual([1 - 24 / 27, 1 - 24 / 26, 1 - 24 / 25, 0]);
  });
});

describe("golden peaks of live activations", () => {
  test.each([
    ["gpipe", undefined, [8, 8, 8, 8]],
    ["1f1b", undefined, [4, 3, 2, 1]],
    ["zb-h1", undefined, [4, 4, 4, 4]],
    ["interleaved", 2, [11, 9, 7, 5]],
    ["interleaved", 4, [19, 17, 15, 13]],
    ["looped-bfs", 2, [16, 16, 16, 16]],
    ["zbv", undefined, [8, 8, 8, 8]],
  ])("of %s with %s chunks at p 4, m 8", (name, v, peaks) => {
    expect(simulateAtUnitCosts(name, 4, 8, v).peakLive).toEqual(peaks);
  });

  test("1F1B with fewer micro-batches than ranks keeps them all on the first ranks", () => {
    expect(simulateAtUnitCosts("1f1b", 5, 3).peakLive).toEqual([3, 3, 3, 2, 1]);
  });

  test("interleaved 1F1B never keeps more than there is", () => {
    expect(simulateAtUnitCosts("interleaved", 4, 4, 2).peakLive).toEqual([8, 8, 7, 5]);
  });
});
