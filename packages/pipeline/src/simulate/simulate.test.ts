import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { forwardOnly } from "../schedules/forward-only.ts";
import { gpipe } from "../schedules/gpipe.ts";
import { oneFOneB } from "../schedules/one-f-one-b.ts";
import { zbV } from "../schedules/zbv.ts";
import { simulate, type Simulation } from "./simulate.ts";

const UNIT = { forward: 1, inputGradient: 1, weightGradient: 1 };

/** `"F0/1 3-4"`: kind, micro-batch, stage, start and end. */
function eventsOf({ timeline }: Simulation, rank: number): string[] {
  return timeline.events
    .filter((event) => event.rank === rank)
    .map(({ kind, microBatch, stage, start, end }) => `${kind}${microBatch}/${stage} ${start}-${end}`);
}

describe("simulate", () => {
  test("records every action with its time", () => {
    const simulation = simulate(oneFOneB({ numRanks: 2, numMicroBatches: 2 }), {
      forward: [1, 2],
      inputGradient: [3, 4],
      weightGradient: [5, 7],
      unit: "ms",
    });
    expect(eventsOf(simulation, 0)).toEqual(["F0/0 0-1", "F1/0 1-2", "B0/0 14-22", "B1/0 27-35"]);
    expect(eventsOf(simulation, 1)).toEqual(["F0/1 1-3", "B0/1 3-14", "F1/1 14-16", "B1/1 16-27"]);
    const { name, unit, numRanks, makespan } = simulation.timeline;
    expect({ name, unit, numRanks, makespan }).toEqual({
      name: "1f1b, simulated",
      unit: "ms",
      numRanks: 2,
      makespan: 35,
    });
    expect(simulation.busyPerRank).toEqual([18, 26]);
    expect(simulation.bubbleGlobal).toBe(1 - 44 / 70);
    expect(simulation.bubbleSpanPerRank).toEqual([1 - 18 / 35, 0]);
    expect(simulation.bubbleSpan).toBe(1 - 44 / 61);
  });

  test("recomputation runs the forward pass again, which is work but not useful", () => {
    const schedule = gpipe({ numRanks: 3, numMicroBatches: 4, recompute: true });
    const { makespan, bubbleGlobal, efficiency } = simulate(schedule, UNIT);
    expect(makespan).toBe((4 + 2) * (1 + 3));
    expect(bubbleGlobal).toBeCloseTo(2 / 6, 14);
    expect(efficiency).toBeCloseTo((4 * 3) / 24, 14);
  });

  test("a message takes its transfer and the latency, and not the sender's time", () => {
    const schedule = gpipe({ numRanks: 2, numMicroBatches: 2 });
    const costs = { ...UNIT, latencyMs: 10, bandwidthBytesPerMs: 100, inputBytes: [7, 300] };
    const simulation = simulate(schedule, costs);
    // The second transfer waits for the first one's end (4) on the wire, not for its arrival (14).
    expect(eventsOf(simulation, 1)).toEqual(["F0/1 14-15", "F1/1 17-18", "B0/1 18-20", "B1/1 20-22"]);
    expect(eventsOf(simulation, 0)).toEqual(["F0/0 0-1", "F1/0 1-2", "B0/0 33-35", "B1/0 36-38"]);
  });

  test("a send that does not overlap keeps the sender busy", () => {
    const schedule = gpipe({ numRanks: 2, numMicroBatches: 2 });
    const costs = { ...UNIT, latencyMs: 10, bandwidthBytesPerMs: 100, inputBytes: [7, 300] };
    const simulation = simulate(schedule, { ...costs, overlapSends: false });
    expect(eventsOf(simulation, 0).slice(0, 2)).toEqual(["F0/0 0-1", "F1/0 4-5"]);
    expect(eventsOf(simulation, 1)).toEqual(["F0/1 14-15", "F1/1 18-19", "B0/1 19-21", "B1/1 24-26"]);
  });

  test("a full buffer holds up the sender until the receiver takes a message", () => {
    const schedule = gpipe({ numRanks: 2, numMicroBatches: 4 });
    const costs = { forward: [1, 10], inputGradient: 1, weightGradient: 1 };
    const starts = (bufferedMessages: number) =>
      eventsOf(simulate(schedule, { ...costs, bufferedMessages }), 0).slice(0, 4);
    expect(starts(Infinity)).toEqual(["F0/0 0-1", "F1/0 1-2", "F2/0 2-3", "F3/0 3-4"]);
    expect(starts(1)).toEqual(["F0/0 0-1", "F1/0 1-2", "F2/0 2-3", "F3/0 11-12"]);
    expect(starts(0)).toEqual(["F0/0 0-1", "F1/0 1-2", "F2/0 11-12", "F3/0 21-22"]);
  });

  test("the turn of ZBV costs no message", () => {
    const { timeline } = simulate(zbV({ numRanks: 2, numMicroBatches: 1 }), { ...UNIT, latencyMs: 100 });
    expect(timeline.events.filter(({ rank, kind }) => rank === 1 && kind === "F")).toMatchObject([
      { stage: 1, chunk: 0, start: 101, end: 102 },
      { stage: 2, chunk: 1, start: 102, end: 103 },
    ]);
  });

  test("evaluation keeps nothing", () => {
    const simulation = simulate(forwardOnly(gpipe({ numRanks: 2, numMicroBatches: 3 })), {
      ...UNIT,
      inputBytes: 5,
    });
    expect(simulation).toMatchObject({ makespan: 4, peakLive: [0, 0], peakBytes: [0, 0], memory: [[], []] });
  });

  test("work that takes no time gives shares of zero", () => {
    const schedule = gpipe({ numRanks: 2, numMicroBatches: 3 });
    const costs = { forward: 0, inputGradient: 0, weightGradient: 0 };
    expect(simulate(schedule, costs)).toMatchObject({
      makespan: 0,
      bubbleGlobal: 0,
      bubbleSpan: 0,
      efficiency: 1,
    });
  });

  test("a deadlock is an error, not an unfinished timeline", () => {
    expect(() =>
      simulate(oneFOneB({ numRanks: 2, numMicroBatches: 2 }), { ...UNIT, bufferedMessages: 0 }),
    ).toThrow(/bufferedMessages \(0\) must be at least 1/);
  });

  test("lists all costs that are wrong", () => {
    const wrong = {
      forward: [1, -2],
      inputGradient: [1, 2, 3],
      weightGradient: Number.NaN,
      latencyMs: -1,
      bandwidthBytesPerMs: 0,
    };
    expect(() => simulate(gpipe({ numRanks: 2, numMicroBatches: 3 }), wrong)).toThrow(
      new ContractError(
        "simulate:\n" +
          "- forward[1] (-2) must be a finite number of at least 0; use 0 for what costs nothing.\n" +
          "- inputGradient (3 values) must have one per stage (2); use a list of 2, or one number.\n" +
          "- weightGradient (NaN) must be a finite number of at least 0; use 0 for what costs nothing.\n" +
          "- latencyMs (-1) must be a finite number of at least 0; use 0 for what costs nothing.\n" +
          "- bandwidthBytesPerMs (0) must be above 0; use 1e6 for 1 GB/s, or leave it out.",
      ),
    );
  });
});
