import { BroadcastChannel } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { createWorld, type WorldHandle } from "../../src/runtime/world-handle.ts";
import { countThreads } from "./live-threads.ts";
import { programUrl } from "./program-url.ts";
import type describeSelf from "./programs/describe-self.ts";
import type failLater from "./programs/fail-later.ts";
import type returnValue from "./programs/return-value.ts";
import type waitForEver from "./programs/wait-for-ever.ts";

const threads = countThreads();
const open: WorldHandle[] = [];

async function openWorld(ranks: number): Promise<WorldHandle> {
  const world = await createWorld({ ranks, engine: "cpu", output: () => undefined });
  open.push(world);
  return world;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((world) => world.close()));
  expect(threads.live()).toBe(0);
});

describe("a run", () => {
  test("ends by its signal, and the next one has fresh threads", async () => {
    const world = await openWorld(2);
    const controller = new AbortController();
    const reason = new Error("enough");
    const run = world.run<typeof waitForEver>(programUrl("wait-for-ever"), undefined, {
      signal: controller.signal,
      onReport: (_, rank) => {
        if (rank === 1) controller.abort(reason);
      },
    });
    await expect(run).rejects.toBe(reason);
    expect(threads.live()).toBe(0);
    await expect(
      world.run(programUrl("wait-for-ever"), undefined, { signal: controller.signal }),
    ).rejects.toBe(reason);
    const results = await world.run<typeof describeSelf>(programUrl("describe-self"), { tag: "again" });
    expect(results.map(({ tag }) => tag)).toEqual(["again", "again"]);
  });

  test("rejects when its world is closed", async () => {
    const world = await openWorld(2);
    let closed: Promise<void> | undefined;
    const run = world.run<typeof waitForEver>(programUrl("wait-for-ever"), undefined, {
      onReport: () => {
        closed ??= world.close();
      },
    });
    await expect(run).rejects.toThrow(
      /^world\.close: the world must not be closed during a run; await the run first\.$/,
    );
    await closed;
    expect(threads.live()).toBe(0);
  });

  test("that left something behind which fails later says so, and the next one has fresh threads", async () => {
    let told: (text: string) => void = () => undefined;
    const line = new Promise<string>((resolve) => (told = resolve));
    const world = await createWorld({
      ranks: 2,
      engine: "cpu",
      output: ({ rank, stream, text }) => {
        told(`${rank} ${stream} ${text}`);
      },
    });
    open.push(world);
    const channel = new BroadcastChannel("fail later");
    const run = (): Promise<string[]> => world.run<typeof failLater>(programUrl("fail-later"), channel.name);
    expect(await run()).toEqual(["fine", "fine"]);
    const before = world.lastRun?.map(({ threadId }) => threadId);
    channel.postMessage("now");
    expect(await line).toBe("1 stderr failed between two runs: too late");
    channel.close();
    expect(await run()).toEqual(["fine", "fine"]);
    for (const { threadId } of world.lastRun ?? []) expect(before).not.toContain(threadId);
  });

  test("rejects with what its onReport throws", async () => {
    const world = await openWorld(2);
    const error = new Error("thrown by the caller");
    const run = world.run(programUrl("wait-for-ever"), undefined, {
      onReport: () => {
        throw error;
      },
    });
    await expect(run).rejects.toBe(error);
  });

  test.each([
    [
      "tensor",
      "rank 0 failed: defineProgram: result must be structured-cloneable (a tensor lives on its rank only); pass numbers, strings, plain objects and typed arrays (of a tensor: its dataSync()).",
    ],
    [
      "function",
      "rank 0 failed: defineProgram: result must be structured-cloneable (()=>1 could not be cloned.); pass numbers, strings, plain objects and typed arrays (of a tensor: its dataSync()).",
    ],
    [
      "report",
      "rank 0 failed: report: update must be structured-cloneable (()=>1 could not be cloned.); pass numbers, strings, plain objects and typed arrays (of a tensor: its dataSync()).",
    ],
  ] as const)("refuses a %s that cannot leave its thread", async (kind, message) => {
    const world = await openWorld(1);
    const failure = world.run<typeof returnValue>(programUrl("return-value"), kind);
    await expect(failure).rejects.toMatchObject({ message, cause: { name: "ContractError" } });
  });

  test("refuses options that cannot be cloned", async () => {
    const world = await openWorld(1);
    await expect(world.run(programUrl("describe-self"), { tag: () => 1 })).rejects.toThrow(
      /^world\.run: options must be structured-cloneable \(\(\) => 1 could not be cloned\.\); pass numbers, strings, plain objects and typed arrays\.$/,
    );
  });
});

describe("a program file", () => {
  const path = (name: string): string => programUrl(name).pathname;

  test.each([
    [
      "no-program",
      `world.run: program file (${path("no-program")}) must have a default export made by defineProgram (it has an object); write \`export default defineProgram(async ({ world }) => { ... })\` in it.`,
    ],
    [
      "no-default",
      `world.run: program file (${path("no-default")}) must have a default export made by defineProgram (it has none); write \`export default defineProgram(async ({ world }) => { ... })\` in it.`,
    ],
    [
      "broken-import",
      `world.run: program file (${path("broken-import")}) must import without an error, but it threw "no such data set"; see the cause.`,
    ],
    ["missing", `world.run: program file (${path("missing")}) must exist; check the path.`],
  ])("%s is refused", async (name, message) => {
    const world = await openWorld(2);
    const error: unknown = await world.run(programUrl(name)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "ContractError", message });
    if (name === "broken-import") expect(error).toMatchObject({ cause: { name: "RangeError" } });
  });

  test("is a file URL", async () => {
    const world = await openWorld(1);
    await expect(world.run(new URL("https://localhost/train.ts"))).rejects.toThrow(
      /^world\.run: program \(https:\/\/localhost\/train\.ts\) must be the file URL of a program file; use new URL\("\.\/train\.ts", import\.meta\.url\)\.$/,
    );
  });
});
