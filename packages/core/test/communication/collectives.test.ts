import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createThreadsArena } from "../../src/transport/threads/arena.ts";
import type { Step } from "./collective-steps.ts";
import { everything, ops } from "./every-collective.ts";
import { RankThreads } from "./rank-threads.ts";

let threads: RankThreads;
beforeAll(() => {
  threads = new RankThreads(4);
});
afterAll(async () => {
  await threads.close();
});

describe.each([1, 2, 3, 4])("Collectives on %i ranks", (ranks) => {
  const all = Array.from({ length: ranks }, (_, rank) => rank);

  test.each([0, 1, 7, 61])("equal a plain loop for arrays of about %i elements", async (length) => {
    expect((await threads.run({ ranks }, "steps", everything(all, length))).flat()).toEqual([]);
  });

  test("equal a plain loop where arrays go through in many pieces", async () => {
    const arena = createThreadsArena({ ranks, chunkBytes: 1024, mailboxBytes: 1024 });
    const steps = everything(all, 2_903);
    expect((await threads.run({ ranks, arena }, "steps", steps)).flat()).toEqual([]);
  });

  test("equal a plain loop for arrays larger than the default outbox", async () => {
    const steps = everything(all, 300_007).filter(
      (step) => step.dtype === "float32" && (!("op" in step) || step.op === "avg"),
    );
    expect((await threads.run({ ranks }, "steps", steps)).flat()).toEqual([]);
  });
});

describe("Groups on 4 ranks", () => {
  test("of rows, columns, overlapping pairs and everybody work at once", async () => {
    const groups = [[0, 1], [2, 3], [0, 2], [1, 3], [1, 2, 3], [0, 3], [0, 1, 2, 3], [2]];
    const steps = [3, 40, 700].flatMap((length) => groups.flatMap((ranks) => everything(ranks, length)));
    const arena = createThreadsArena({ ranks: 4, chunkBytes: 1024, mailboxBytes: 1024 });
    expect((await threads.run({ ranks: 4, arena }, "steps", steps)).flat()).toEqual([]);
  });
});

describe("Reductions", () => {
  test.each([5, 50_021])("of %i floats give the same bits on every rank and every time", async (length) => {
    const ranks = [0, 1, 2, 3];
    const steps: readonly Step[] = ops.map((op) => ({
      kind: "allReduce",
      ranks,
      dtype: "float32",
      length,
      op,
    }));
    const first = await threads.run({ ranks: 4 }, "results", steps);
    const second = await threads.run({ ranks: 4 }, "results", steps);
    const bits = (results: (typeof first)[number]): readonly string[] =>
      results.map(({ buffer }) => Buffer.from(buffer).toString("base64"));
    for (const results of [...first, ...second]) expect(bits(results)).toEqual(bits(first[0]!));
  });
});

describe("The ledger on 3 ranks", () => {
  test("holds the bytes of the cost formulas", async () => {
    const ranks = [0, 1, 2];
    const base = { ranks, dtype: "float32" } as const;
    const counts = [2, 0, 5];
    const rows = [[1, 2, 3], [4, 0, 6], [7, 8, 9]]; // prettier-ignore
    const steps: readonly Step[] = [
      { ...base, kind: "allReduce", length: 6, op: "sum" },
      { ...base, kind: "allGather", counts },
      { ...base, kind: "reduceScatter", counts, op: "max" },
      { ...base, kind: "allToAll", counts: rows },
      { ...base, kind: "broadcast", length: 5, root: 1 },
      { ...base, kind: "message", length: 4, from: 2, to: 0, tag: 0 },
      { ...base, kind: "barrier" },
      { ...base, ranks: [1], kind: "allReduce", length: 6, op: "sum" },
    ];
    const entries = await threads.run({ ranks: 3 }, "entries", steps);
    const sent = entries.map((ofRank) => ofRank.map(({ collective, bytesSent }) => [collective, bytesSent]));
    expect(sent[1]).toEqual([
      ["allReduce", (2 * 24 * 2) / 3],
      ["allGather", 0],
      ["reduceScatter", 28],
      ["allToAll", 40],
      ["broadcast", 40],
      ["barrier", 0],
    ]);
    expect(sent[2]).toEqual([
      ["allReduce", (2 * 24 * 2) / 3],
      ["allGather", 40],
      ["reduceScatter", 8],
      ["allToAll", 60],
      ["broadcast", 0],
      ["send", 16],
      ["barrier", 0],
    ]);
    expect(entries[0]!.find(({ collective }) => collective === "receive")).toEqual({
      group: "0-1-2",
      collective: "receive",
      bytesSent: 0,
      bytesTotal: 16,
      label: "",
    });
  });
});
