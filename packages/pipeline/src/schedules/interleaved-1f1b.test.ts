import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { drawSchedule } from "../../test/draw-schedule.ts";
import { interleaved1F1B } from "./interleaved-1f1b.ts";

describe("interleaved 1F1B with 2 ranks, 2 chunks and 4 micro-batches", () => {
  test("has the shape of its picture", () => {
    expect(drawSchedule(interleaved1F1B({ numRanks: 2, numMicroBatches: 4, chunksPerRank: 2 }))).toBe(
      [
        "rank 0  F0 F1 f0 f1 F2 .. b0 -- F3 b1 -- f2 B0 -- f3 B1 -- .. b2 -- .. b3 -- B2 -- B3 --",
        "rank 1  .. F0 F1 f0 b0 -- f1 b1 -- F2 B0 -- F3 B1 -- f2 b2 -- f3 b3 -- B2 -- B3 -- .. ..",
      ].join("\n"),
    );
  });

  test("holds the stages p apart", () => {
    const { stages } = interleaved1F1B({ numRanks: 3, numMicroBatches: 6, chunksPerRank: 2 });
    expect(stages).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
  });

  test("takes micro-batches in groups of p through the chunks", () => {
    const { actions } = interleaved1F1B({ numRanks: 2, numMicroBatches: 4, chunksPerRank: 3 });
    const passes = (kind: string) =>
      actions[1]!
        .filter((action) => action.kind === kind)
        .map(({ microBatch, chunk }) => `${microBatch}/${chunk}`);
    expect(passes("F").join(" ")).toBe("0/0 1/0 0/1 1/1 0/2 1/2 2/0 3/0 2/1 3/1 2/2 3/2");
    expect(passes("B").join(" ")).toBe("0/2 1/2 0/1 1/1 0/0 1/0 2/2 3/2 2/1 3/1 2/0 3/0");
  });

  test.each([
    [6, "4 or 8"],
    [3, "4"],
  ])("refuses %i micro-batches on 4 ranks and says which numbers work", (numMicroBatches, works) => {
    expect(() => interleaved1F1B({ numRanks: 4, numMicroBatches, chunksPerRank: 2 })).toThrow(
      new ContractError(
        `interleaved1F1B: numMicroBatches (${numMicroBatches}) must be a multiple of numRanks (4); use ${works}.`,
      ),
    );
  });

  test("refuses chunks that are no count", () => {
    expect(() => interleaved1F1B({ numRanks: 2, numMicroBatches: 4, chunksPerRank: 0 })).toThrow(
      new ContractError("interleaved1F1B: chunksPerRank (0) must be a positive integer; use 1 or more."),
    );
  });
});
