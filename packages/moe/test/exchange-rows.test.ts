import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exchangeBytes } from "../src/dispatch-all-to-all.ts";
import type program from "./programs/exchange-rows.ts";

const PROGRAM = new URL("./programs/exchange-rows.ts", import.meta.url);
const FEATURES = 3;

/** Rows of each rank for each expert: uneven, with zeros, a rank that sends nothing, and one that receives nothing. */
const CASES = [
  {
    ranks: 2,
    rows: [
      [2, 0, 1, 3],
      [0, 0, 5, 0],
    ],
  },
  {
    ranks: 3,
    rows: [
      [1, 0, 2],
      [0, 0, 0],
      [3, 0, 1],
    ],
  },
  {
    ranks: 4,
    rows: [
      [0, 1, 2, 0],
      [4, 0, 0, 0],
      [1, 1, 0, 0],
      [0, 0, 3, 0],
    ],
  },
];

/** Elements of the rows that rank `from` sends to rank `to`, and how they were numbered. */
function sent(rows: readonly (readonly number[])[], from: number, to: number): number[] {
  const perRank = rows[0]!.length / rows.length;
  const countOf = (rank: number): number =>
    rows[from]!.slice(rank * perRank, (rank + 1) * perRank).reduce((sum, count) => sum + count, 0);
  const start = Array.from({ length: to }, (_, rank) => countOf(rank)).reduce((sum, count) => sum + count, 0);
  return Array.from({ length: countOf(to) * FEATURES }, (_, i) => 100 * from + start * FEATURES + i);
}

/** One world for all cases: each takes its first ranks. */
let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
});
afterAll(() => world.close());

describe.each(CASES)("rows exchanged on $ranks ranks", ({ ranks, rows }) => {
  test("arrive in the order of the ranks, bring their gradients back, and cost what is predicted", async () => {
    const found = await world.run<typeof program>(PROGRAM, { rows, features: FEATURES }, { ranks });
    const all = Array.from({ length: ranks }, (_, rank) => rank);
    found.forEach((rank, at) => {
      expect(rank.values).toEqual(all.flatMap((from) => sent(rows, from, at)));
      expect(rank.counts.sendCounts).toEqual(all.map((to) => sent(rows, at, to).length / FEATURES));
      expect(rank.counts.receiveCounts).toEqual(all.map((from) => sent(rows, from, at).length / FEATURES));
      // d/ds of sum over all receivers r of (r + 2) (s x)^2 at s = 1, of the rows that this rank sent; whole numbers.
      const gradient = all.map((from) =>
        all
          .flatMap((to) => sent(rows, from, to).map((x) => 2 * (to + 2) * x * x))
          .reduce((sum, value) => sum + value, 0),
      );
      expect(rank.gradient).toEqual(gradient.map((value) => Math.fround(value)));
      const there = exchangeBytes(rank.counts.sendCounts, { rank: at, features: FEATURES });
      const back = exchangeBytes(rank.counts.receiveCounts, { rank: at, features: FEATURES });
      const entry = (label: string, bytesSent: number) =>
        expect.objectContaining({ group: "ep", collective: "allToAll", label, bytesSent }) as unknown;
      expect(rank.countBytes).toEqual([entry("expert counts", (4 * rows[0]!.length * (ranks - 1)) / ranks)]);
      expect(rank.forward.filter(({ collective }) => collective === "allToAll")).toEqual([
        entry("exchangeRows", there),
      ]);
      expect(rank.whole.filter(({ collective }) => collective === "allToAll")).toEqual([
        entry("exchangeRows", there),
        entry("exchangeRows, backward", back),
      ]);
      expect(rank.leaked).toBe(0);
    });
  });
});
