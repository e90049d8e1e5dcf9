import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { ContractError } from "../../src/errors.ts";
import { RankError } from "../../src/runtime/rank-error.ts";
import { createWorld, type WorldHandle } from "../../src/runtime/world-handle.ts";
import { countThreads } from "./live-threads.ts";
import { programUrl } from "./program-url.ts";
import type describeSelf from "./programs/describe-self.ts";
import type fail from "./programs/fail.ts";
import type { FailOptions } from "./programs/fail.ts";

const threads = countThreads();

function arrivals(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

async function failureOf(world: WorldHandle, options: Omit<FailOptions, "arrivals">): Promise<unknown> {
  return world.run<typeof fail>(programUrl("fail"), { ...options, arrivals: arrivals() }).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("a failing rank on the wasm engine", () => {
  let world: WorldHandle;

  beforeAll(async () => {
    world = await createWorld({ ranks: 3 });
  });
  afterEach(() => {
    expect(threads.live()).toBe(0);
  });
  afterAll(() => world.close());

  test.each([
    { failing: 0, others: "barrier" },
    { failing: 1, others: "spin" },
    { failing: 2, others: "sleep" },
    { failing: 1, others: "await" },
  ] as const)("ends the run with its error: rank $failing throws, others $others", async (options) => {
    const error = await failureOf(world, { ...options, how: "throw" });
    expect(error).toBeInstanceOf(RankError);
    expect(error).toMatchObject({
      message: `rank ${options.failing} failed: odd size`,
      rank: options.failing,
      cause: {
        name: "OddError",
        message: "odd size",
        details: { layer: 3, sizes: [2, 5] },
        cause: { name: "RangeError", message: "5 is odd" },
      },
    });
    const { cause } = error as RankError;
    expect((cause as Error).stack).toMatch(/^OddError: odd size\n.*programs\/fail\.ts:\d+/);
    expect((cause as Error).cause).toBeInstanceOf(RangeError);
  });

  test.each([
    ["throw-text", "rank 2 failed: threw 'a text'", "a text"],
    [
      "exit",
      "rank 2 failed: the program called process.exit(1)",
      { name: "RankExitError", exitCode: 1, stack: expect.stringContaining("programs/fail.ts") as string },
    ],
    [
      "reject",
      "rank 2 failed: nobody waits for this",
      { name: "OddError", stack: expect.stringContaining("programs/fail.ts") as string },
    ],
    [
      "uncaught",
      "rank 2 failed: nobody can catch this",
      { name: "OddError", stack: expect.stringContaining("programs/fail.ts") as string },
    ],
  ] as const)("ends the run with its error: %s, others spin", async (how, message, cause) => {
    const error = await failureOf(world, { failing: 2, how, others: "spin" });
    expect(error).toMatchObject({ name: "RankError", message, rank: 2 });
    expect((error as RankError).cause).toEqual(
      typeof cause === "string" ? cause : expect.objectContaining(cause),
    );
  });

  test("does not keep the world from running the next program on fresh threads", async () => {
    const results = await world.run<typeof describeSelf>(programUrl("describe-self"), { tag: "next" });
    expect(results.map(({ rank, tag }) => [rank, tag])).toEqual([
      [0, "next"],
      [1, "next"],
      [2, "next"],
    ]);
    await world.close();
  });
});

describe("a rank", () => {
  test("that runs out of memory ends the run", async () => {
    const world = await createWorld({
      ranks: 2,
      engine: "cpu",
      resourceLimits: { maxOldGenerationSizeMb: 128 },
    });
    const error = await failureOf(world, { failing: 1, how: "exhaust-memory", others: "spin" });
    expect(error).toMatchObject({
      name: "RankError",
      rank: 1,
      message: "rank 1 failed: Worker terminated due to reaching memory limit: JS heap out of memory",
      cause: { code: "ERR_WORKER_OUT_OF_MEMORY" },
    });
    expect(threads.live()).toBe(0);
    await world.close();
  });

  test("that returns while others wait for it ends the run with the error of those who wait", async () => {
    const world = await createWorld({ ranks: 2, engine: "cpu" });
    const error = await failureOf(world, { failing: 1, how: "return", others: "barrier" });
    expect(error).toMatchObject({ name: "RankFinishedError" });
    expect((error as Error).message).toContain("rank 1");
    expect(threads.live()).toBe(0);
    await world.close();
  });

  test("that calls another collective ends the run with the error of all", async () => {
    const world = await createWorld({ ranks: 3, engine: "cpu" });
    const error: unknown = await world.run(programUrl("mismatch")).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "CollectiveMismatchError" });
    expect((error as Error).message).toContain("allReduce");
    expect((error as Error).message).toContain("broadcast");
    expect(threads.live()).toBe(0);
    await world.close();
  });

  test("that cannot start its engine keeps the world from starting", async () => {
    const empty = mkdtempSync(join(tmpdir(), "meshwright-"));
    vi.stubEnv("MESHWRIGHT_CACHE", empty);
    const started = createWorld({
      ranks: 2,
      engine: "tensorflow",
      output: () => undefined,
    });
    await expect(started).rejects.toBeInstanceOf(ContractError);
    vi.unstubAllEnvs();
    rmSync(empty, { recursive: true });
    expect(threads.live()).toBe(0);
  });
});
