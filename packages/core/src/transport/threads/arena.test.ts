import { describe, expect, test } from "vitest";
import { ContractError } from "../../errors.ts";
import { createThreadsArena, resetArena } from "./arena.ts";
import { attachThreads, readRankStatuses } from "./attach.ts";

describe("createThreadsArena", () => {
  test.each([
    [{ ranks: 0 }, "ranks (0) must be a positive integer; use the number of threads."],
    [{ ranks: 2, chunkBytes: 1000 }, "chunkBytes (1000) must be a positive multiple of 1024; use 262144."],
    [
      { ranks: 4, mailboxBytes: 3000 },
      "mailboxBytes (3000) must be a power of two of at least 1024; use 1048576.",
    ],
    [
      { ranks: 64, mailboxBytes: 1_048_576 },
      "64 ranks with chunkBytes 1048576 and mailboxBytes 1048576 need 68806 pages; one memory must not have more than 65536; use smaller sizes.",
    ],
  ])("refuses %j", (options, message) => {
    expect(() => createThreadsArena(options)).toThrow(new ContractError(`createThreadsArena: ${message}`));
  });

  test("makes room for 64 ranks by default", () => {
    expect(createThreadsArena({ ranks: 64 }).mailboxBytes).toBe(65_536);
  });
});

describe("attachThreads", () => {
  test("refuses a rank that the arena does not have", () => {
    expect(() => attachThreads(createThreadsArena({ ranks: 2 }), 2)).toThrow(
      "attachThreads: rank (2) must be an integer below the arena's ranks (2); use 0 to 1.",
    );
  });
});

describe("resetArena", () => {
  test("makes a used arena new", () => {
    const arena = createThreadsArena({ ranks: 2 });
    const state = (): readonly string[] => readRankStatuses(arena).map((status) => status.state);
    attachThreads(arena, 0).finish();
    expect(state()).toEqual(["finished", "computing"]);
    resetArena(arena);
    expect(state()).toEqual(["computing", "computing"]);
  });
});
