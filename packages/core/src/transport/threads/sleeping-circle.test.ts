import { expect, test } from "vitest";
import { sleepingCircle } from "./sleeping-circle.ts";
import type { WaitRecord } from "./status-board.ts";

/** Counters 0 to 3 hold 10, 11, 12, 13. */
const words = new Int32Array(new SharedArrayBuffer(16));
words.set([10, 11, 12, 13]);

/** Rank `r` waits for `waitsFor[r]`, whose counter is one short; `undefined` is awake. */
function board(
  waitsFor: readonly (number | undefined)[],
  changes: Partial<WaitRecord> = {},
): { waitOf(rank: number): WaitRecord | undefined } {
  return {
    waitOf: (rank) => {
      const next = waitsFor[rank];
      if (next === undefined) return undefined;
      const record = { waitsFor: next, counter: rank, value: 11 + rank, serial: 5 + rank, forRoom: false };
      return rank === 1 ? { ...record, ...changes } : record;
    },
  };
}

test("ranks that wait for each other are a circle, with the waits in its key", () => {
  expect(sleepingCircle(0, board([1, 2, 0]), words)).toEqual({ ranks: [0, 1, 2], key: "0:5 1:6 2:7 " });
});

test.each<[string, readonly (number | undefined)[], Partial<WaitRecord>]>([
  ["a chain that ends at a rank that is awake", [1, 2, undefined], {}],
  ["a circle without the rank itself", [1, 2, 1], {}],
  ["a circle in which a wait is over", [1, 2, 0], { value: 11 }],
  ["a circle with a rank that waits for room in a mailbox", [1, 2, 0], { forRoom: true }],
])("%s is none", (_, waitsFor, changes) => {
  expect(sleepingCircle(0, board(waitsFor, changes), words)).toBeUndefined();
});
