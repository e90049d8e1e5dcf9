import { afterAll, afterEach, describe, expect, expectTypeOf, test } from "vitest";
import { createWorld, type WorldHandle } from "../../src/runtime/world-handle.ts";
import { launch } from "../../src/runtime/launch.ts";
import { countThreads } from "./live-threads.ts";
import { programUrl } from "./program-url.ts";
import type describeSelf from "./programs/describe-self.ts";
import type leak from "./programs/leak.ts";
import type messages from "./programs/messages.ts";

const threads = countThreads();
const signalHandlers = process.listenerCount("SIGINT") + process.listenerCount("SIGTERM");
const open: WorldHandle[] = [];

async function openWorld(...[options]: Parameters<typeof createWorld>): Promise<WorldHandle> {
  const world = await createWorld({ engine: "cpu", ...options });
  open.push(world);
  return world;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((world) => world.close()));
  expect(threads.live()).toBe(0);
});

afterAll(() => {
  expect(process.listenerCount("SIGINT") + process.listenerCount("SIGTERM")).toBe(signalHandlers);
});

describe("a world", () => {
  test.each([1, 3])("of %i runs a program on every rank, each in a thread of its own", async (ranks) => {
    const world = await openWorld({ ranks, checked: true });
    const results = await world.run<typeof describeSelf>(programUrl("describe-self"), { tag: "a" });
    expect(results.map(({ rank }) => rank)).toEqual(Array.from({ length: ranks }, (_, rank) => rank));
    for (const { size, groupRanks, checked, engine, tag } of results) {
      expect({ size, groupRanks, checked, engine, tag }).toEqual({
        size: ranks,
        groupRanks: results.map(({ rank }) => rank),
        checked: true,
        engine: "cpu",
        tag: "a",
      });
    }
    expect(new Set(results.map(({ threadId }) => threadId)).size).toBe(ranks);
    expect(results.every(({ threadId }) => threadId > 0)).toBe(true);
    expect(threads.live()).toBe(ranks);
    expect(world.size).toBe(ranks);
    expect(world.engines.map(({ name }) => name)).toEqual(results.map(() => "cpu"));
  });

  test("stays warm: the second run has the same threads, draws and counts", async () => {
    const world = await openWorld({ ranks: 2, seed: 7 });
    const started = threads.started();
    const first = await world.run<typeof describeSelf>(programUrl("describe-self"), { tag: "same" });
    const firstRecord = world.lastRun;
    const second = await world.run<typeof describeSelf>(programUrl("describe-self"), { tag: "same" });
    expect(second).toEqual(first);
    expect(world.lastRun).toEqual(firstRecord);
    expect(world.lastRun?.map(({ threadId }) => threadId)).toEqual(first.map(({ threadId }) => threadId));
    expect(world.lastRun?.[1]?.ledger).toEqual([
      { group: "world", collective: "barrier", calls: 1, bytesSent: 0 },
    ]);
    expect(threads.started()).toBe(started);
  });

  test("lends its first ranks to a run, which then see no more", async () => {
    const world = await openWorld({ ranks: 3 });
    const run = (ranks?: number): ReturnType<typeof world.run<typeof describeSelf>> =>
      world.run<typeof describeSelf>(programUrl("describe-self"), { tag: "some" }, { ranks });
    const all = await run();
    for (const ranks of [1, 2, 3, 2]) {
      const some = await run(ranks);
      expect(some.map(({ threadId }) => threadId)).toEqual(
        all.slice(0, ranks).map(({ threadId }) => threadId),
      );
      expect(some.map(({ size }) => size)).toEqual(some.map(() => ranks));
      expect(world.lastRun).toHaveLength(ranks);
    }
    await expect(run(4)).rejects.toThrow(
      /^world\.run: ranks \(4\) must be an integer from 1 to the 3 of the world; leave it out for all\.$/,
    );
    expect(world.size).toBe(3);
  });

  test("draws the same numbers on every rank, and others for another seed", async () => {
    const draws = async (seed: number): Promise<number[][]> => {
      const world = await openWorld({ ranks: 2, seed });
      const results = await world.run<typeof describeSelf>(programUrl("describe-self"), { tag: "" });
      return results.map(({ random, drawn }) => [random, ...drawn]);
    };
    const [first, second] = await draws(1);
    const [other] = await draws(2);
    expect(second).toEqual(first);
    expect(other).not.toEqual(first);
  });

  test("counts and releases the tensors that a program left", async () => {
    const world = await openWorld({ ranks: 2 });
    // 5 + 2 kept + 1 variable and the 2 tensors behind it + 1 in the open scope.
    const leaked = await world.run<typeof leak>(programUrl("leak"), { tensors: 5, kept: 2 });
    const first = world.lastRun?.map(({ numTensors }) => numTensors);
    for (const [rank, { before, left, after }] of first?.entries() ?? []) {
      expect(left - before).toBe(leaked[rank]);
      expect(after - before).toBe(2);
    }
    expect(await world.run<typeof leak>(programUrl("leak"), { tensors: 5, kept: 0 })).toEqual(
      leaked.map((numTensors) => numTensors - 2),
    );
    expect(world.lastRun?.map(({ numTensors }) => numTensors.after)).toEqual(
      first?.map(({ after }) => after),
    );
  });

  test("forgets the messages that nobody took", async () => {
    const world = await openWorld({ ranks: 3 });
    const skipMiddle = (value: number, taken: number): Promise<number[][]> =>
      world.run<typeof messages>(programUrl("messages"), { value, taken });
    expect(await skipMiddle(3, 1)).toEqual([[], [], [3]]);
    expect(await skipMiddle(8, 2)).toEqual([[], [], [8, 9]]);
  });

  test("passes reports on in the order of each rank", async () => {
    const world = await openWorld({ ranks: 2 });
    const reports: string[][] = [[], []];
    await world.run<typeof describeSelf>(
      programUrl("describe-self"),
      { tag: "x" },
      {
        onReport: (update, rank) => {
          expectTypeOf(update).toEqualTypeOf<string>();
          reports[rank]?.push(update);
        },
      },
    );
    expect(reports).toEqual([
      ["x starts", "x ends"],
      ["x starts", "x ends"],
    ]);
  });

  test("runs beside another world", async () => {
    const worlds = await Promise.all([openWorld({ ranks: 2 }), openWorld({ ranks: 3 })]);
    const [two, three] = await Promise.all(
      worlds.map((world, index) =>
        world.run<typeof describeSelf>(programUrl("describe-self"), { tag: `world ${index}` }),
      ),
    );
    expect(two?.map(({ tag, size }) => [tag, size])).toEqual(Array(2).fill(["world 0", 2]));
    expect(three?.map(({ tag, size }) => [tag, size])).toEqual(Array(3).fill(["world 1", 3]));
    expect(threads.live()).toBe(5);
  });

  test("runs one program at a time, and none after close", async () => {
    const world = await openWorld({ ranks: 1 });
    const running = world.run<typeof describeSelf>(programUrl("describe-self"), { tag: "" });
    await expect(world.run(programUrl("describe-self"), { tag: "" })).rejects.toThrow(
      /^world\.run: the world must be idle, but it is running a program; await that run, or use a second world\.$/,
    );
    await running;
    await world.close();
    await world.close();
    await expect(world.run(programUrl("describe-self"), { tag: "" })).rejects.toThrow(
      /^world\.run: the world must be open, but it was closed; use createWorld again\.$/,
    );
  });
});

describe("launch", () => {
  test("runs once and leaves no thread", async () => {
    const results = await launch<typeof describeSelf>(programUrl("describe-self"), {
      ranks: 2,
      engine: "cpu",
      options: { tag: "once" },
    });
    expect(results.map(({ tag }) => tag)).toEqual(["once", "once"]);
    expect(threads.live()).toBe(0);
  });

  test("starts nothing where an option is wrong", async () => {
    const started = threads.started();
    await expect(launch(programUrl("describe-self"), { ranks: 0 })).rejects.toThrow(
      /^createWorld: ranks \(0\) must be a positive integer; use 1 or more\.$/,
    );
    expect(threads.started()).toBe(started);
  });
});

test("the program's type decides the types of options, results and reports", () => {
  type Run = typeof describeSelf;
  const typed = (world: WorldHandle): unknown => [
    () => {
      expectTypeOf(world.run<Run>(programUrl("x"), { tag: "" })).resolves.toExtend<{ rank: number }[]>();
    },
    // @ts-expect-error the program needs options
    () => world.run<Run>(programUrl("x")),
    // @ts-expect-error a tag is a string
    () => world.run<Run>(programUrl("x"), { tag: 1 }),
    // @ts-expect-error launch needs the program's options, too
    () => launch<Run>(programUrl("x"), { ranks: 1 }),
    () => world.run(programUrl("x")),
  ];
  expectTypeOf(typed).toBeFunction();
});
