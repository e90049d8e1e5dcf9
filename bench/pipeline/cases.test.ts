import { expect, test } from "vitest";
import { balanceCases, predict, scheduleCases, workMs } from "./cases.ts";

const SIZES = { numRanks: 8, numMicroBatches: 32, rankMs: 20 };

test("every rank of every schedule has the same work", () => {
  for (const one of scheduleCases(SIZES)) {
    // 8 ranks, 32 micro-batches, F + I + W
    expect(workMs(one)).toBeCloseTo(8 * 32 * 60, 6);
  }
});

test("the makespans are those of equal F, I and W, though the first stage has no input gradient", () => {
  const makespans = scheduleCases(SIZES).map((one) => [one.name, predict(one).makespan]);
  expect(makespans).toEqual([
    ["gpipe", 117 * 20],
    ["1f1b", 117 * 20],
    ["interleaved, 2 chunks", 106.5 * 20],
    ["interleaved, 4 chunks", 101.25 * 20],
    ["looped-bfs, 2 chunks", 106.5 * 20],
    ["zb-h1", 103 * 20],
    ["zbv", 99.5 * 20],
  ]);
});

test("a stage of twice the time sets the pace, and a cut by layer times is as even as a cut can be", () => {
  const [equal, slow, balanced] = balanceCases(SIZES);
  expect(predict(equal!).makespan).toBeCloseTo(117 * 20, 6);
  // The slow stage works for 32 * 6 of these 203; the others for half of it.
  expect(predict(slow!).makespan).toBeCloseTo(203 * 20, 6);
  const evenCut = [18, 16, 9, 13, 18, 18, 18, 18];
  expect(workMs(balanced!) / (8 * predict(balanced!, evenCut).makespan)).toBeCloseTo(32 / 39, 6);
});
