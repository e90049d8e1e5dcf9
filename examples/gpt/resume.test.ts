import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createWorld, listCheckpoints, type WorldHandle } from "@meshwright/core";
import { createSchedule } from "@meshwright/pipeline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseTrainingOptions } from "../cli/training-options.ts";
import { checkCheckpoints } from "./checkpoints.ts";
import { command } from "./command.ts";
import type { TrainOptions, TrainResult } from "./run-data.ts";
import type train from "./train.ts";

const root = mkdtempSync(join(tmpdir(), "meshwright-resume-"));
let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 2, seed: 1 });
});
afterAll(async () => {
  await world.close();
  rmSync(root, { recursive: true });
});

const OPTIONS: Omit<TrainOptions, "mesh" | "steps" | "checkpoints"> = {
  pipeline: undefined,
  tokens: Int32Array.from({ length: 600 }, (_, i) => (i * i) % 11),
  model: { vocabSize: 11, contextLength: 8, features: 12, heads: 2, layers: 2 },
  batchSize: 4,
  seed: 1,
  schedule: { peak: 1e-2, warmupSteps: 2, totalSteps: 10, floor: 1e-3 },
  validateEvery: 3,
  validationBatches: 1,
  prompt: [1],
  sampleTokens: 2,
};

async function run(
  options: Pick<TrainOptions, "mesh" | "steps" | "checkpoints"> & Partial<TrainOptions>,
): Promise<TrainResult> {
  const url = new URL("./train.ts", import.meta.url);
  const [first] = await world.run<typeof train>(url, { ...OPTIONS, ...options });
  return first!;
}

describe.each([
  ["tensor parallel", { dp: 1, pp: 1, tp: 2 }, undefined],
  ["in a pipeline", { dp: 1, pp: 2, tp: 1 }, createSchedule("1f1b", { numRanks: 2, numMicroBatches: 2 })],
] as const)("a training that is %s", (name, mesh, pipeline) => {
  test("ends with the same hash and losses if it is stopped and resumed", async () => {
    const dir = join(root, name);
    const straight = await run({ mesh, pipeline, steps: 10, checkpoints: undefined });
    await run({ mesh, pipeline, steps: 7, checkpoints: { dir, every: 2, resume: false } });
    expect(listCheckpoints(dir)).toEqual(["step-00000006", "step-00000007"]);
    const resumed = await run({ mesh, pipeline, steps: 10, checkpoints: { dir, every: 4, resume: true } });
    expect(resumed.finalHash).toBe(straight.finalHash);
    expect(resumed.losses).toEqual(straight.losses);
    expect(resumed.sample).toEqual(straight.sample);
    // The stopped run validated after its last step, too.
    expect(resumed.validation.filter(({ step }) => step !== 7)).toEqual(straight.validation);
    expect(listCheckpoints(dir)).toEqual(["step-00000008", "step-00000010"]);
  });
});

test("a training goes on on another mesh, from a pipeline to tensor parallel", async () => {
  const dir = join(root, "moved");
  const pipeline = createSchedule("1f1b", { numRanks: 2, numMicroBatches: 2 });
  const first = await run({
    mesh: { dp: 1, pp: 2, tp: 1 },
    pipeline,
    steps: 5,
    checkpoints: { dir, every: 5, resume: false },
  });
  const mesh = { dp: 1, pp: 1, tp: 2 };
  const resumed = await run({ mesh, steps: 10, checkpoints: { dir, every: 5, resume: true } });
  const straight = await run({ mesh, steps: 10, checkpoints: undefined });
  expect(resumed.losses.slice(0, 5)).toEqual(first.losses);
  for (const [step, loss] of resumed.losses.entries())
    expect(Math.abs(loss - straight.losses[step]!)).toBeLessThan(1e-5);
});

describe("the command line", () => {
  const check = (...args: string[]): void => {
    checkCheckpoints(parseTrainingOptions(args, command));
  };

  test("refuses to resume from nowhere", () => {
    expect(() => {
      check("--resume");
    }).toThrow("--resume: --checkpoint-dir (none) must be given with it; use --checkpoint-dir FOLDER.");
    expect(() => {
      check("--resume", "--checkpoint-dir", join(root, "none"));
    }).toThrow(
      `--resume: --checkpoint-dir (${join(root, "none")}) must hold a checkpoint; use the folder of the run to resume, or leave --resume out.`,
    );
    check("--checkpoint-dir", join(root, "none"));
  });

  test("refuses fewer steps than are done", async () => {
    const dir = join(root, "moved");
    const mesh = { dp: 1, pp: 1, tp: 2 };
    await expect(run({ mesh, steps: 10, checkpoints: { dir, every: 5, resume: true } })).rejects.toThrow(
      "--resume: checkpoint (step 10) must be of fewer than --steps (10); use more --steps.",
    );
  });
});
