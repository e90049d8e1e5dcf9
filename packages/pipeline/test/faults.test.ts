import { CollectiveTimeoutError, createWorld, launch, RankError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import type program from "./programs/faults.ts";
import type { Fault, FaultUpdate } from "./programs/faults.ts";

const PROGRAM = new URL("./programs/faults.ts", import.meta.url);

interface Failure {
  readonly rank: number;
  readonly cause: Error;
  readonly updates: readonly FaultUpdate[];
}

/** What a run with the fault ends with. */
async function failureOf(fault: Fault, schedule = "1f1b"): Promise<Failure> {
  const updates: FaultUpdate[] = [];
  const world = await createWorld({ ranks: 2 });
  try {
    await world.run<typeof program>(
      PROGRAM,
      { fault, schedule },
      { onReport: (update) => updates.push(update) },
    );
  } catch (error) {
    expect(error).toBeInstanceOf(RankError);
    const { rank, cause } = error as RankError;
    return { rank, cause: cause as Error, updates };
  } finally {
    await world.close();
  }
  throw new Error("nothing failed");
}

describe("a stage that throws", () => {
  test.each([
    // Rank 1 of 1F1B goes F0 B0 F1 B1 F2; of GPipe and ZB-H1 it has more in flight.
    ["forward throws", "1f1b", "F", 2],
    ["forward throws", "gpipe", "F", 2],
    ["forward throws", "zb-h1", "F", 2],
    ["backward throws", "gpipe", "B", 0],
    ["backward throws", "zb-h1", "I", 0],
  ] as const)(
    "%s in %s: one error with rank, stage, micro-batch and cause",
    async (fault, name, action, microBatch) => {
      const { rank, cause, updates } = await failureOf(fault, name);
      expect(rank).toBe(1);
      expect(cause.name).toBe("PipelineError");
      expect(cause.message).toBe(
        `Pipeline: ${action}${microBatch} of stage 1 ("third" to "wrong") on rank 1 failed: planted`,
      );
      expect(cause).toMatchObject({ rank: 1, stage: 1, microBatch, action });
      expect(cause.cause).toBeInstanceOf(RangeError);
      const own = updates.find((update) => update.rank === 1)!;
      expect(own.after).toBe(own.before);
    },
  );

  test("or leaves ends the run with its exit, and a new world works", async () => {
    const { rank, cause } = await failureOf("exits");
    expect(rank).toBe(1);
    expect(cause).toMatchObject({ name: "RankExitError", exitCode: 5 });
    const losses = await launch<typeof program>(PROGRAM, { ranks: 2, options: { fault: "none" } });
    expect(losses).toHaveLength(2);
    expect(losses[0]).toBe(losses[1]);
  });

  test("or stalls is named by the rank that waits for it, with the stage and the micro-batch", async () => {
    const world = await createWorld({ ranks: 2, timeoutMs: 2_000 });
    const run = world.run<typeof program>(PROGRAM, { fault: "stalls" });
    const error: unknown = await run.finally(() => world.close()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CollectiveTimeoutError);
    // What rank 0 waits for, and how far rank 1 had come.
    expect((error as Error).message).toContain('"gradient of micro-batch 2 for stage 0"');
    expect((error as Error).message).toMatch(
      /for rank 1\. rank 1: computing for [\d.]+ s, last call receive "activation of micro-batch 2 for stage 1"/,
    );
  });

  test("for want of a scalar loss says so", async () => {
    const { cause } = await failureOf("loss is no scalar");
    expect(cause.message).toBe(
      'Pipeline: F0 of stage 1 ("third" to "wrong") on rank 1 failed: Pipeline: loss (shape [2, 4]) must be a scalar, the mean over the micro-batch; use tf.mean.',
    );
  });

  test("because its input does not fit names the place", async () => {
    const { cause } = await failureOf("shape differs");
    expect(cause.message).toMatch(
      /^Pipeline: F0 of stage 1 \("third" to "wrong"\) on rank 1 failed: .*5.*4/s,
    );
  });
});

describe("a broken rule", () => {
  test.each([
    [
      "few rows",
      "Pipeline: batch (4 rows) must have at least one row per micro-batch (5); use a larger batch, or a schedule of at most 4 micro-batches.",
    ],
    [
      "rows differ",
      "Pipeline.step: target (shape [7, 4]) must have as many rows as batch (shape [6, 4]); use the same first dim.",
    ],
    [
      "other ranks",
      'createPipeline: schedule ("1f1b" for 3 ranks) must be made for the ranks on axis "pp" (2); use numRanks: 2.',
    ],
    [
      "many stages",
      'createPipeline: schedule ("1f1b" with 2 stages) must have at most one stage per layer (1); use fewer ranks or chunks per rank, or cut the model into more layers.',
    ],
    [
      "one name twice",
      [
        "createPipeline:",
        '- layers ("first" twice) must have different names; use the position in the name.',
        '- parameter ("first.weight") must be one object in all layers; use a name per parameter.',
        '- parameter ("first.bias") must be one object in all layers; use a name per parameter.',
      ].join("\n"),
    ],
    [
      "declared shape differs",
      'Pipeline: input of stage 1 (shape [2, 5], micro-batch 0) must have the shape [rows, 4] that its first layer ("third") takes; use layers whose outputs fit the next one\'s inputs.',
    ],
    ["maxNorm", "Pipeline.clipGradNorm: maxNorm (0) must be positive; use for example 1."],
  ] as const)("%s is a ContractError", async (fault, message) => {
    const { cause, updates } = await failureOf(fault);
    expect(cause.name).toBe("ContractError");
    expect(cause.message).toBe(message);
    if (fault === "declared shape differs") {
      const own = updates.find(({ rank }) => rank === 1)!;
      expect(own.after).toBe(own.before);
    }
  });
});
