import { describe, expect, test } from "vitest";
import { drawSchedule } from "../../test/draw-schedule.ts";
import { oneFOneB } from "./one-f-one-b.ts";

describe("1F1B with 4 ranks and 5 micro-batches", () => {
  test("has the shape of its picture", () => {
    expect(drawSchedule(oneFOneB({ numRanks: 4, numMicroBatches: 5 }))).toBe(
      [
        "rank 0  F0 F1 F2 F3 .. .. .. .. .. .. B0 -- F4 B1 -- .. B2 -- .. B3 -- .. B4 --",
        "rank 1  .. F0 F1 F2 .. .. .. .. B0 -- F3 B1 -- F4 B2 -- .. B3 -- .. B4 -- .. ..",
        "rank 2  .. .. F0 F1 .. .. B0 -- F2 B1 -- F3 B2 -- F4 B3 -- .. B4 -- .. .. .. ..",
        "rank 3  .. .. .. F0 B0 -- F1 B1 -- F2 B2 -- F3 B3 -- F4 B4 -- .. .. .. .. .. ..",
      ].join("\n"),
    );
  });

  test("has its shape with fewer micro-batches than ranks", () => {
    expect(drawSchedule(oneFOneB({ numRanks: 4, numMicroBatches: 2 }))).toBe(
      [
        "rank 0  F0 F1 .. .. .. .. .. .. .. .. B0 -- .. B1 --",
        "rank 1  .. F0 F1 .. .. .. .. .. B0 -- .. B1 -- .. ..",
        "rank 2  .. .. F0 F1 .. .. B0 -- .. B1 -- .. .. .. ..",
        "rank 3  .. .. .. F0 B0 -- F1 B1 -- .. .. .. .. .. ..",
      ].join("\n"),
    );
  });
});
