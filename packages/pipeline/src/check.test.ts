import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { checkSchedule, minBufferedMessages } from "./check.ts";
import type { Action, Schedule } from "./schedule.ts";
import { gpipe } from "./schedules/gpipe.ts";
import { loopedBFS } from "./schedules/looped-bfs.ts";
import { oneFOneB } from "./schedules/one-f-one-b.ts";
import { zbH1 } from "./schedules/zb-h1.ts";
import { zbV } from "./schedules/zbv.ts";

/** The schedule with the actions of one rank changed. */
function withFault(schedule: Schedule, rank: number, change: (actions: Action[]) => void): Schedule {
  const actions = schedule.actions.map((list) => [...list]);
  change(actions[rank]!);
  return { ...schedule, actions };
}

function swap(actions: Action[], i: number, j: number): void {
  [actions[i], actions[j]] = [actions[j]!, actions[i]!];
}

function messageOf(schedule: Schedule, bufferedMessages = Infinity): string {
  try {
    checkSchedule(schedule, { bufferedMessages });
  } catch (error) {
    expect(error).toBeInstanceOf(ContractError);
    return (error as Error).message;
  }
  return "no error";
}

describe("checkSchedule", () => {
  test("counts what it proved", () => {
    const schedule = oneFOneB({ numRanks: 3, numMicroBatches: 4 });
    expect(checkSchedule(schedule, { bufferedMessages: 1 })).toEqual({ numActions: 24, numMessages: 16 });
  });

  test("names a missing action", () => {
    const broken = withFault(oneFOneB({ numRanks: 2, numMicroBatches: 3 }), 1, (actions) => actions.pop());
    expect(messageOf(broken)).toBe(
      'checkSchedule (schedule "1f1b"): B2 of stage 1 (rank 1) must occur once, not 0 times; add it.',
    );
  });

  test("names an action done twice, with both places", () => {
    const broken = withFault(gpipe({ numRanks: 2, numMicroBatches: 3 }), 0, (actions) => {
      actions.push(actions[1]!);
    });
    expect(messageOf(broken)).toBe(
      'checkSchedule (schedule "gpipe"): F1 of stage 0 (rank 0, actions 1, 6) must occur once, not 2 times; remove all but one.',
    );
  });

  test("names all faults of a backward pass that is half split", () => {
    const broken = withFault(zbH1({ numRanks: 2, numMicroBatches: 2 }), 0, (actions) => {
      // F0 F1 I0 W0 I1 W1: the last two become one B.
      actions.splice(4, 2, { kind: "B", microBatch: 1, chunk: 0 });
    });
    expect(messageOf(broken)).toBe(
      [
        'checkSchedule (schedule "zb-h1"):',
        "- B1 of stage 0 (rank 0, actions 4) must occur not at all beside I and W, not 1 times; remove it.",
        "- I1 of stage 0 (rank 0) must occur once, not 0 times; add it.",
        "- W1 of stage 0 (rank 0) must occur once, not 0 times; add it.",
      ].join("\n"),
    );
  });

  test("names a W before its I", () => {
    const broken = withFault(zbH1({ numRanks: 2, numMicroBatches: 3 }), 0, (actions) => {
      // F0 F1 I0 W0 ...
      swap(actions, 2, 3);
    });
    expect(messageOf(broken)).toBe(
      'checkSchedule (schedule "zb-h1"): W0 of stage 0 (rank 0, action 2) must come after I0 of stage 0 (action 3), which it needs; swap them.',
    );
  });

  test("names a B before its F, on the last stage too, where no message would wait", () => {
    const broken = withFault(oneFOneB({ numRanks: 2, numMicroBatches: 3 }), 1, (actions) => {
      swap(actions, 2, 3);
    });
    expect(messageOf(broken)).toBe(
      'checkSchedule (schedule "1f1b"): B1 of stage 1 (rank 1, action 2) must come after F1 of stage 1 (action 3), which it needs; swap them.',
    );
  });

  test("names a stage before the one that feeds it on the same rank", () => {
    const broken = withFault(zbV({ numRanks: 2, numMicroBatches: 2 }), 1, (actions) => {
      // F0 f0 ...: stages 1 and 2
      swap(actions, 0, 1);
    });
    expect(messageOf(broken)).toBe(
      'checkSchedule (schedule "zbv"): F0 of stage 2 (rank 1, action 0) must come after F0 of stage 1 (action 1), which it needs; swap them.',
    );
  });

  test("names actions that do not exist", () => {
    const broken = withFault(gpipe({ numRanks: 1, numMicroBatches: 2 }), 0, (actions) => {
      actions.push({ kind: "F", microBatch: 2, chunk: 1 });
    });
    expect(messageOf(broken)).toBe(
      [
        'checkSchedule (schedule "gpipe"):',
        "- microBatch (2) of F (rank 0, action 4) must be one of the schedule's; use 0..1.",
        "- chunk (1) of F (rank 0, action 4) must be one of the rank's; use 0..0.",
      ].join("\n"),
    );
  });

  test("names lists that do not fit the ranks and stages that nobody holds", () => {
    const schedule = gpipe({ numRanks: 3, numMicroBatches: 2 });
    expect(messageOf({ ...schedule, actions: schedule.actions.slice(1), stages: [[0], [1, 4], [1]] })).toBe(
      [
        'checkSchedule (schedule "gpipe"):',
        "- actions (2 lists) must have one list per rank; use 3 lists.",
        "- stages[1] (2 chunks) must have as many as every rank has; use 1.",
        "- stage 2 must be on one rank; use each of 0..3 once in stages.",
        "- stage 3 must be on one rank; use each of 0..3 once in stages.",
      ].join("\n"),
    );
  });

  test("stops listing where one mistake has many consequences", () => {
    const schedule = gpipe({ numRanks: 3, numMicroBatches: 4 });
    const lines = messageOf({ ...schedule, actions: [[], [], []] }).split("\n");
    expect(lines).toHaveLength(10);
    expect(lines.at(-1)).toBe("- and 4 more.");
  });

  test("refuses a buffer that is no count", () => {
    expect(messageOf(gpipe({ numRanks: 1, numMicroBatches: 1 }), -1)).toBe(
      "checkSchedule: bufferedMessages (-1) must be an integer of at least 0, or Infinity; use 1.",
    );
  });
});

describe("a deadlock", () => {
  test("of swapped actions is printed as a cycle", () => {
    const broken = withFault(oneFOneB({ numRanks: 3, numMicroBatches: 2 }), 0, (actions) => {
      // F0 F1 B0 B1 -> F0 B0 F1 B1, while rank 1 wants F1 before B0
      swap(actions, 1, 2);
    });
    expect(messageOf(broken)).toBe(
      [
        'checkSchedule (schedule "1f1b"): the actions must have an order in which no rank waits for ever; use another order, which breaks this cycle:',
        "- rank 0 waits before B0 of stage 0 for the gradient of micro-batch 0 from rank 1,",
        "- rank 1 waits before F1 of stage 1 for the activation of micro-batch 1 from rank 0.",
      ].join("\n"),
    );
  });

  test("leaves out the ranks that only wait for those of the cycle", () => {
    // Ranks 0 and 3 wait as well: rank 0 for a gradient, rank 3 for an activation.
    const broken = withFault(oneFOneB({ numRanks: 4, numMicroBatches: 2 }), 1, (actions) => {
      swap(actions, 1, 2);
    });
    expect(messageOf(broken).split("\n").slice(1)).toEqual([
      "- rank 1 waits before B0 of stage 1 for the gradient of micro-batch 0 from rank 2,",
      "- rank 2 waits before F1 of stage 2 for the activation of micro-batch 1 from rank 1.",
    ]);
  });

  test("of sends that nobody buffers is told from one of the order", () => {
    const schedule = oneFOneB({ numRanks: 2, numMicroBatches: 2 });
    expect(messageOf(schedule, 1)).toBe("no error");
    expect(messageOf(schedule, 0)).toBe(
      [
        'checkSchedule (schedule "1f1b"): bufferedMessages (0) must be at least 1; use 1, or another order, which breaks this cycle:',
        "- rank 0 waits after F1 of stage 0 until rank 1 has room for the activation of micro-batch 1,",
        "- rank 1 waits after B0 of stage 1 until rank 0 has room for the gradient of micro-batch 0.",
      ].join("\n"),
    );
  });

  test("of a full buffer names the ranks round the loop", () => {
    const schedule = loopedBFS({ numRanks: 3, numMicroBatches: 6, chunksPerRank: 2 });
    expect(messageOf(schedule, 2)).toBe("no error");
    expect(messageOf(schedule, 1)).toBe(
      [
        'checkSchedule (schedule "looped-bfs"): bufferedMessages (1) must be at least 2; use 2, or another order, which breaks this cycle:',
        "- rank 0 waits after F5 of stage 0 until rank 1 has room for the activation of micro-batch 5,",
        "- rank 1 waits after F3 of stage 1 until rank 2 has room for the activation of micro-batch 3,",
        "- rank 2 waits after F1 of stage 2 until rank 0 has room for the activation of micro-batch 1.",
      ].join("\n"),
    );
  });

  test("happens where the message wanted lies behind a full buffer of others", () => {
    // Rank 1 wants the activation of micro-batch 1 first; rank 0 sends that of micro-batch 0 first.
    const schedule = withFault(gpipe({ numRanks: 2, numMicroBatches: 2 }), 1, (actions) => {
      swap(actions, 0, 1);
    });
    expect(messageOf(schedule, 2)).toBe("no error");
    expect(messageOf(schedule, 1)).toBe(
      [
        'checkSchedule (schedule "gpipe"): bufferedMessages (1) must be at least 2; use 2, or another order, which breaks this cycle:',
        "- rank 0 waits after F1 of stage 0 until rank 1 has room for the activation of micro-batch 1,",
        "- rank 1 waits before F1 of stage 1 for the activation of micro-batch 1 from rank 0.",
      ].join("\n"),
    );
  });
});

describe("minBufferedMessages", () => {
  test.each([
    ["GPipe", gpipe({ numRanks: 4, numMicroBatches: 8 }), 0],
    ["1F1B", oneFOneB({ numRanks: 4, numMicroBatches: 8 }), 1],
    ["ZBV", zbV({ numRanks: 4, numMicroBatches: 8 }), 2],
    ["looped BFS", loopedBFS({ numRanks: 8, numMicroBatches: 32, chunksPerRank: 2 }), 4],
    ["one rank", zbV({ numRanks: 1, numMicroBatches: 3 }), 0],
  ])("of %s", (_, schedule, messages) => {
    expect(minBufferedMessages(schedule)).toBe(messages);
  });
});
