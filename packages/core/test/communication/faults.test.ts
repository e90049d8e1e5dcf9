import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { abortArena, createThreadsArena, type ThreadsArena } from "../../src/transport/threads/arena.ts";
import { readRankStatuses } from "../../src/transport/threads/attach.ts";
import type { Disagreement } from "./fault-programs.ts";
import { RankThreads } from "./rank-threads.ts";

let threads: RankThreads;
beforeAll(() => {
  threads = new RankThreads(4);
});
afterAll(async () => {
  await threads.close();
});

const file = "packages/core/test/communication/fault-programs.ts";
const sameOrder = "all ranks of a group must make the same calls in the same order.";

/** Line numbers as `:N`, so that a test does not depend on where in its file a program stands. */
function withoutLines(text: string): string {
  return text.replaceAll(/\.ts:\d+/g, ".ts:N");
}

describe("A disagreement", () => {
  test.each<[Disagreement, string, string]>([
    ["collective", `allReduce(sum, float32[12]) "grad w"`, "allGather(float32[2])"],
    ["length", "allReduce(sum, float32[12])", "allReduce(sum, float32[11])"],
    ["dtype", "allReduce(sum, float32[12])", "allReduce(sum, int32[12])"],
    ["op", "allReduce(min, float32[12])", "allReduce(max, float32[12])"],
    ["root", "broadcast(float32[12], root 0)", "broadcast(float32[12], root 1)"],
    [
      "counts",
      "reduceScatter(sum, float32[12], counts [12, 0])",
      "reduceScatter(sum, float32[12], counts [0, 12])",
    ],
  ])("in the %s is shown on both ranks, and no data is delivered", async (how, first, second) => {
    const replies = await threads.run({ ranks: 2 }, "disagree", how);
    const message = `Collective mismatch in group "tp": rank 0 called ${first} at ${file}:N, rank 1 called ${second} at ${file}:N; ${sameOrder}`;
    for (const reply of replies) {
      expect({ ...reply, message: withoutLines(reply.message) }).toEqual({
        name: "CollectiveMismatchError",
        message,
        untouched: true,
      });
    }
  });

  test("in what a call is for is an error in checked mode", async () => {
    const replies = await threads.run({ ranks: 2, checked: true }, "disagree", "label");
    const call = (label: string): string => `allReduce(sum, float32[12]) "${label}" at ${file}:N`;
    for (const { message, untouched } of replies) {
      expect(withoutLines(message)).toBe(
        `Collective mismatch in group "tp": rank 0 called ${call("grad w")}, rank 1 called ${call("grad b")}; ${sameOrder}`,
      );
      expect(untouched).toBe(true);
    }
  });

  test("in the counts of an all-to-all names the pair", async () => {
    const replies = await threads.run({ ranks: 2 }, "disagree", "all-to-all counts");
    const calls = `Collective mismatch in group "tp": rank 0 called allToAll(float32[3], sends [1, 2], receives [1, 2]) at ${file}:N, rank 1 called allToAll(float32[3], sends [2, 1], receives [3, 1]) at ${file}:N`;
    expect(replies.map(({ message }) => withoutLines(message))).toEqual([
      `${calls}: rank 1 sends 2 elements to rank 0, which expects 2, and expects 3 from it, which sends 2; ${sameOrder}`,
      `${calls}: rank 0 sends 2 elements to rank 1, which expects 3, and expects 2 from it, which sends 2; ${sameOrder}`,
    ]);
    expect(replies.every(({ untouched }) => untouched)).toBe(true);
  });

  test("in the order of two groups of the same ranks names both groups", async () => {
    const replies = await threads.run({ ranks: 2 }, "disagree", "order of groups");
    expect(replies.map(({ message }) => withoutLines(message))).toEqual([
      `Collective mismatch in group "tp": rank 0 called barrier() at ${file}:N, rank 1 called barrier() at ${file}:N in group "dp"; ${sameOrder}`,
      `Collective mismatch in group "dp": rank 0 called barrier() at ${file}:N in group "tp", rank 1 called barrier() at ${file}:N; ${sameOrder}`,
    ]);
  });

  test("of one rank among four reaches all four", async () => {
    const replies = await threads.run({ ranks: 4 }, "disagree", "op");
    for (const { name, message, untouched } of replies) {
      expect({ name, untouched }).toEqual({ name: "CollectiveMismatchError", untouched: true });
      const calls = withoutLines(message);
      // A rank that takes more than a second to arrive is reported as such by those that were there.
      const first = String.raw`rank [023] called allReduce\(min, float32\[12\]\) at ${file}:N`;
      expect(calls).toMatch(new RegExp(first));
      expect(calls).toContain(`rank 1 called allReduce(max, float32[12]) at ${file}:N`);
    }
  });

  test("between a pair and a larger group also ends the rank that waits for the pair", async () => {
    const replies = await threads.run({ ranks: 3 }, "crossGroups", null);
    for (const { name, message, untouched } of replies) {
      expect({ name, untouched }).toEqual({ name: "CollectiveMismatchError", untouched: true });
      expect(withoutLines(message)).toContain(`rank 0 called allReduce(sum, float32[3]) at ${file}:N`);
      expect(withoutLines(message)).toContain(`rank 1 called allReduce(sum, float32[3]) at ${file}:N`);
    }
  });

  test("about a message shows both sides to the receiver", async () => {
    const [sender, receiver] = await threads.run({ ranks: 2 }, "wrongMessage", null);
    expect(sender!.name).toBe("none");
    expect({ ...receiver!, message: withoutLines(receiver!.message) }).toEqual({
      name: "CollectiveMismatchError",
      message: `Message mismatch in group "pp": rank 0 sent int32[5] with tag 9, rank 1 called receive(float32[4], from 0, tag 9) at ${file}:N; both sides must give the same dtype and length.`,
      untouched: true,
    });
  });

  test("makes every later call fail with the same text", async () => {
    const replies = await threads.run({ ranks: 2 }, "failTwice", null);
    for (const [first, second] of replies) {
      expect(first!.name).toBe("CollectiveMismatchError");
      expect(second).toEqual(first);
    }
  });
});

describe("A rank that ends its program early", () => {
  test.each([2, 4])("is named at once on the others of %i ranks", async (ranks) => {
    const replies = await threads.run({ ranks, timeoutMs: 3_600_000 }, "skip", null);
    expect(replies[1]).toBeNull();
    for (const rank of [0, 2, 3].filter((each) => each < ranks)) {
      const reply = replies[rank]!;
      expect({ name: reply.name, untouched: reply.untouched }).toEqual({
        name: "RankFinishedError",
        untouched: true,
      });
      expect(withoutLines(reply.message)).toMatch(
        /^Skipped call in group "world": rank \d waits in allReduce\(sum, float32\[3\]\) at packages\/core\/test\/communication\/fault-programs\.ts:N for rank 1, which has ended its program \(it made barrier "epoch end" number 2 of group "world" last\); all ranks of a group must make the same calls in the same order\.$/,
      );
    }
  });
});

describe("The watchdog", () => {
  test("names the rank that does not arrive, where it is, and what it did last", async () => {
    const gaveUp = new Int32Array(new SharedArrayBuffer(4));
    const settings = { ranks: 2, timeoutMs: 200 };
    const [waiting, stalled] = await threads.run(settings, "stall", gaveUp);
    const text = withoutLines(waiting!.message).replace(/for [\d.]+ s, last/, "for T s, last");
    expect({ ...waiting!, message: text }).toEqual({
      name: "CollectiveTimeoutError",
      message: `Timeout in group "world": rank 0 waited 0.2 s in allReduce(max, float32[5]) at ${file}:N for rank 1. rank 1: computing for T s, last call barrier "start" number 1 of group "set-up". Every rank of a group must make the call within timeoutMs (200); raise it if the rank needs longer.`,
      untouched: true,
    });
    expect({ ...stalled!, message: "" }).toEqual({
      name: "CollectiveTimeoutError",
      message: "",
      untouched: true,
    });
    expect(stalled!.message).toBe(waiting!.message);
  });

  test("knows the last call's site in checked mode", async () => {
    const gaveUp = new Int32Array(new SharedArrayBuffer(4));
    const settings = { ranks: 2, timeoutMs: 200, checked: true };
    const [waiting] = await threads.run(settings, "stall", gaveUp);
    expect(withoutLines(waiting!.message)).toContain(`last call barrier() "start" at ${file}:N number 1 of`);
  });

  test.each([2, 3])("finds %i ranks that wait for each other in a circle", async (ranks) => {
    const replies = await threads.run({ ranks, timeoutMs: 3_600_000 }, "circle", null);
    const parts = Array.from({ length: ranks }, (_, rank) => {
      const next = (rank + 1) % ranks;
      return `world rank ${rank} waits for world rank ${next} in receive(float32[4], from ${next}, tag 3) at ${file}:N of group "ring"`;
    });
    const message = `Deadlock: ${parts.join(", ")}; ranks must not wait for each other in a circle, so order the calls alike on all of them.`;
    for (const reply of replies) {
      expect({ ...reply, message: withoutLines(reply.message) }).toEqual({
        name: "CollectiveDeadlockError",
        message,
        untouched: true,
      });
    }
  });
});

describe("Aborting the arena", () => {
  /** Returns once all ranks sleep inside a call. */
  async function allWaiting(arena: ThreadsArena): Promise<void> {
    while (!readRankStatuses(arena).every(({ state }) => state === "waiting")) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  test("wakes every blocked rank", async () => {
    const arena = createThreadsArena({ ranks: 4 });
    const replies = threads.run({ ranks: 4, arena, timeoutMs: 3_600_000 }, "stuck", null);
    await allWaiting(arena);
    expect(readRankStatuses(arena)[3]).toMatchObject({
      call: { group: "world", collective: "receive", sequence: 0, label: "never" },
      waitsFor: 0,
    });
    abortArena(arena);
    for (const { name, message, untouched } of await replies) {
      expect({ name, untouched }).toEqual({ name: "WorldAbortedError", untouched: true });
      expect(withoutLines(message)).toMatch(
        /^The world was stopped while rank \d was in (barrier|receive)\(.*\) .*at packages\/core\/test\/communication\/fault-programs\.ts:N; see the first error of the run for the reason\.$/,
      );
    }
  });

  test("leaves no thread behind", async () => {
    const own = new RankThreads(2);
    const arena = createThreadsArena({ ranks: 2 });
    const replies = own.run({ ranks: 2, arena }, "stuck", null);
    await allWaiting(arena);
    abortArena(arena);
    await replies;
    expect(await own.close()).toEqual([1, 1]);
  });

  test("is not needed to end threads that sleep in a call", async () => {
    const own = new RankThreads(2);
    const arena = createThreadsArena({ ranks: 2 });
    void own.run({ ranks: 2, arena }, "stuck", null);
    await allWaiting(arena);
    expect(await own.close()).toEqual([1, 1]);
  });
});
