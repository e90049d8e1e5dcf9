import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createThreadsArena } from "../../src/transport/threads/arena.ts";
import { RankThreads } from "./rank-threads.ts";

let threads: RankThreads;
beforeAll(() => {
  threads = new RankThreads(3);
});
afterAll(async () => {
  await threads.close();
});

describe("Messages", () => {
  test.each([0, 1, 3, 255, 256, 5_003])("of %i integers arrive by tag, in the order sent", async (length) => {
    const arena = createThreadsArena({ ranks: 2, mailboxBytes: 1024 });
    const input = { sent: [5, 6, 5, 7, 6], received: [7, 6, 5, 6, 5], length };
    const [, received] = await threads.run({ ranks: 2, arena }, "reorder", input);
    const empty = length === 0;
    expect(received).toEqual([703, 601, 500, 604, 502].map((value) => (empty ? NaN : value)));
  });

  test("larger than the mailboxes cross each other", async () => {
    const arena = createThreadsArena({ ranks: 3, mailboxBytes: 1024 });
    expect(await threads.run({ ranks: 3, arena }, "crossfire", 4_001)).toEqual([true, true, true]);
  });

  test("larger than the mailbox get through to a rank that waits elsewhere first", async () => {
    const arena = createThreadsArena({ ranks: 2, mailboxBytes: 1024 });
    expect(await threads.run({ ranks: 2, arena }, "sendBeforeBarrier", 3_001)).toEqual([true, true]);
  });

  test("of two groups of the same ranks and name do not mix", async () => {
    expect((await threads.run({ ranks: 2 }, "sameTag", null))[1]).toEqual([2, 1]);
  });

  test("of one tag and two dtypes come in the order in which they were sent", async () => {
    expect((await threads.run({ ranks: 2 }, "headersAndValues", 20))[1]).toBe(20);
  });
});
