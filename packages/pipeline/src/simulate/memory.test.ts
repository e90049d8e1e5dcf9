import { describe, expect, test } from "vitest";
import { gpipe } from "../schedules/gpipe.ts";
import { oneFOneB } from "../schedules/one-f-one-b.ts";
import { zbH1 } from "../schedules/zb-h1.ts";
import { simulate } from "./simulate.ts";

const COSTS = {
  forward: 1,
  inputGradient: 1,
  weightGradient: 1,
  inputBytes: [3, 5],
  activationBytes: [70, 110],
};

describe("memory over time", () => {
  test("is kept from F to B", () => {
    const { memory, peakLive, peakBytes } = simulate(oneFOneB({ numRanks: 2, numMicroBatches: 2 }), COSTS);
    expect(memory).toEqual([
      [
        { time: 0, live: 1, bytes: 70 },
        { time: 1, live: 2, bytes: 140 },
        { time: 6, live: 1, bytes: 70 },
        { time: 9, live: 0, bytes: 0 },
      ],
      [
        { time: 1, live: 1, bytes: 110 },
        { time: 4, live: 0, bytes: 0 },
        { time: 4, live: 1, bytes: 110 },
        { time: 7, live: 0, bytes: 0 },
      ],
    ]);
    expect(peakLive).toEqual([2, 1]);
    expect(peakBytes).toEqual([140, 110]);
  });

  test("is kept until W where the backward pass is split", () => {
    const { memory } = simulate(zbH1({ numRanks: 2, numMicroBatches: 1 }), COSTS);
    // Rank 1: F 1-2, I 2-3, W 3-4. I frees nothing.
    expect(memory[1]).toEqual([
      { time: 1, live: 1, bytes: 110 },
      { time: 4, live: 0, bytes: 0 },
    ]);
  });

  test("with recomputation is the inputs, and one whole stage while it works", () => {
    const schedule = gpipe({ numRanks: 2, numMicroBatches: 2, recompute: true });
    const { memory, peakLive, peakBytes } = simulate(schedule, COSTS);
    expect(memory[1]).toEqual([
      { time: 1, live: 1, bytes: 110 },
      { time: 2, live: 1, bytes: 5 },
      { time: 2, live: 2, bytes: 115 },
      { time: 3, live: 2, bytes: 10 },
      { time: 3, live: 2, bytes: 115 },
      { time: 6, live: 1, bytes: 5 },
      { time: 6, live: 1, bytes: 110 },
      { time: 9, live: 0, bytes: 0 },
    ]);
    expect(peakLive).toEqual([2, 2]);
    expect(peakBytes).toEqual([73, 115]);
  });

  test("is that of the inputs where nothing else is said", () => {
    const costs = { forward: 1, inputGradient: 1, weightGradient: 1, inputBytes: [3, 5] };
    expect(simulate(gpipe({ numRanks: 2, numMicroBatches: 3 }), costs).peakBytes).toEqual([9, 15]);
  });
});
