import { describe, expect, test } from "vitest";
import { drawSchedule } from "../../test/draw-schedule.ts";
import { gpipe } from "./gpipe.ts";
import { loopedBFS } from "./looped-bfs.ts";

describe("looped BFS with 2 ranks, 2 chunks and 3 micro-batches", () => {
  test("has the shape of its picture", () => {
    expect(drawSchedule(loopedBFS({ numRanks: 2, numMicroBatches: 3, chunksPerRank: 2 }))).toBe(
      [
        "rank 0  F0 F1 F2 f0 f1 f2 .. .. .. b0 -- b1 -- b2 -- B0 -- B1 -- B2 --",
        "rank 1  .. F0 F1 F2 f0 f1 f2 b0 -- b1 -- b2 -- B0 -- B1 -- B2 -- .. ..",
      ].join("\n"),
    );
  });

  test("is GPipe with one chunk", () => {
    const sizes = { numRanks: 3, numMicroBatches: 5 };
    expect(loopedBFS({ ...sizes, chunksPerRank: 1 })).toEqual({ ...gpipe(sizes), name: "looped-bfs" });
  });
});
