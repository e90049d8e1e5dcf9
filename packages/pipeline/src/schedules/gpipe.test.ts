import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { drawSchedule } from "../../test/draw-schedule.ts";
import { gpipe } from "./gpipe.ts";

describe("GPipe with 4 ranks and 3 micro-batches", () => {
  test("has the shape of its picture", () => {
    expect(drawSchedule(gpipe({ numRanks: 4, numMicroBatches: 3 }))).toBe(
      [
        "rank 0  F0 F1 F2 .. .. .. .. .. .. .. .. .. B0 -- B1 -- B2 --",
        "rank 1  .. F0 F1 F2 .. .. .. .. .. .. B0 -- B1 -- B2 -- .. ..",
        "rank 2  .. .. F0 F1 F2 .. .. .. B0 -- B1 -- B2 -- .. .. .. ..",
        "rank 3  .. .. .. F0 F1 F2 B0 -- B1 -- B2 -- .. .. .. .. .. ..",
      ].join("\n"),
    );
  });

  test("keeps what the caller said about recomputation", () => {
    expect(gpipe({ numRanks: 2, numMicroBatches: 3 }).recompute).toBe(false);
    expect(gpipe({ numRanks: 2, numMicroBatches: 3, recompute: true }).recompute).toBe(true);
  });

  test("refuses sizes that are no counts, all at once", () => {
    expect(() => gpipe({ numRanks: 0, numMicroBatches: 2.5 })).toThrow(
      new ContractError(
        "gpipe:\n- numRanks (0) must be a positive integer; use 1 or more.\n- numMicroBatches (2.5) must be a positive integer; use 2 or 3.",
      ),
    );
  });
});
