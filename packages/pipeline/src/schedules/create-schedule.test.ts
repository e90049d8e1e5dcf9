import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { createSchedule, SCHEDULE_NAMES } from "./create-schedule.ts";
import { interleaved1F1B } from "./interleaved-1f1b.ts";

const SIZES = { numRanks: 2, numMicroBatches: 6 };

describe("createSchedule", () => {
  test.each(SCHEDULE_NAMES)("makes %s under its own name", (name) => {
    expect(createSchedule(name, SIZES)).toMatchObject({ name, ...SIZES, recompute: false });
  });

  test("passes on chunks and recomputation", () => {
    const options = { ...SIZES, chunksPerRank: 3, recompute: true };
    expect(createSchedule("interleaved", options)).toEqual(interleaved1F1B(options));
  });

  test("lists the names where one is unknown", () => {
    expect(() => createSchedule("toString", SIZES)).toThrow(
      new ContractError(
        'createSchedule: name ("toString") must be one of gpipe, 1f1b, interleaved, looped-bfs, zb-h1, zbv; use "1f1b" where in doubt.',
      ),
    );
  });

  test("refuses what a schedule would ignore, all at once", () => {
    expect(() => createSchedule("zbv", { ...SIZES, chunksPerRank: 3, recompute: true })).toThrow(
      new ContractError(
        "createSchedule:\n" +
          "- chunksPerRank (3) must be 2 for zbv; use 2, or interleaved or looped-bfs.\n" +
          "- recompute (true) must be false for zbv, whose W needs what its F kept; use false, or gpipe or 1f1b or interleaved or looped-bfs.",
      ),
    );
  });
});
