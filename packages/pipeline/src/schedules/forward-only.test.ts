import { describe, expect, test } from "vitest";
import { checkSchedule } from "../check.ts";
import { createSchedule, SCHEDULE_NAMES } from "./create-schedule.ts";
import { forwardOnly } from "./forward-only.ts";
import { gpipe } from "./gpipe.ts";

describe("forwardOnly", () => {
  test("leaves the forward passes in their order", () => {
    const { name, recompute, actions } = forwardOnly(
      gpipe({ numRanks: 1, numMicroBatches: 2, recompute: true }),
    );
    expect({ name, recompute }).toEqual({ name: "gpipe, forward only", recompute: false });
    expect(actions).toEqual([
      [
        { kind: "F", microBatch: 0, chunk: 0 },
        { kind: "F", microBatch: 1, chunk: 0 },
      ],
    ]);
  });

  test.each(SCHEDULE_NAMES)("of %s comes to its end", (name) => {
    const schedule = createSchedule(name, { numRanks: 3, numMicroBatches: 6 });
    const numStages = schedule.stages.flat().length;
    const numTurns = name === "zbv" ? 1 : 0;
    expect(checkSchedule(forwardOnly(schedule))).toEqual({
      numActions: 6 * numStages,
      numMessages: 6 * (numStages - 1 - numTurns),
    });
  });
});
