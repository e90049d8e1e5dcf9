import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import {
  createWorld,
  latestCheckpoint,
  listCheckpoints,
  verifyCheckpoint,
  type WorldHandle,
} from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./programs/checkpoint-faults.ts";
import type { FaultOutcome, FaultRun } from "./programs/checkpoint-faults.ts";

const PROGRAM = new URL("./programs/checkpoint-faults.ts", import.meta.url);
const root = mkdtempSync(join(tmpdir(), "meshwright-saves-"));
let world: WorldHandle;

beforeAll(async () => {
  world = await createWorld({ ranks: 2, engine: "cpu" });
});
afterAll(async () => {
  await world.close();
  rmSync(root, { recursive: true });
});

const SAVED = expect.objectContaining({ thrown: "nothing", leaked: 0 }) as FaultOutcome;

async function run(options: FaultRun): Promise<FaultOutcome[]> {
  return world.run<typeof program>(PROGRAM, options);
}

describe("a checkpoint", () => {
  test("holds the parameters of all stages of a pipeline, tied ones once", async () => {
    const dir = join(root, "stages");
    expect((await run({ dir, action: "stages" })).map(({ thrown }) => thrown)).toEqual([
      "nothing",
      "nothing",
    ]);
    expect(verifyCheckpoint(dir)).toMatchObject({ numTensors: 3, numPieces: 3, bytes: 3 * 24 });
  });

  test("is kept with as many as asked for; one of a step that exists gets a new name", async () => {
    const dir = join(root, "keep");
    for (const step of [1, 2, 3]) await run({ dir, action: "save", step, keep: 2 });
    expect(listCheckpoints(dir)).toEqual(["step-00000002", "step-00000003"]);
    await run({ dir, action: "save async", step: 2, keep: 2 });
    expect(listCheckpoints(dir)).toEqual(["step-00000002.1", "step-00000003"]);
    expect(latestCheckpoint(dir)).toBe(join(dir, "step-00000002.1"));
  });

  test("is complete before the next of its folder begins", async () => {
    const dir = join(root, "twice");
    expect(await run({ dir, action: "save twice async", step: 4 })).toEqual([SAVED, SAVED]);
    expect(listCheckpoints(dir)).toEqual(["step-00000004", "step-00000005"]);
    for (const name of listCheckpoints(dir)) verifyCheckpoint(join(dir, name));
  });
});

describe("a save", () => {
  test("into a folder that ranks do not share fails on every rank before anything is written", async () => {
    const dir = join(root, "apart");
    // As a job would leave it on the other host that broke off there.
    const leftover = join(`${dir} of rank 1`, ".saving-step-00000002");
    mkdirSync(leftover, { recursive: true });
    writeFileSync(join(leftover, "token"), "-1");
    const outcomes = await run({ dir, action: "save apart", step: 2 });
    const text = `CheckpointError: saveCheckpoint: dir (${dir} on ${hostname()}) must be one folder on all hosts, but what rank 0 wrote to it is not there; use a folder that the hosts share, by the same path.`;
    expect(outcomes.map(({ thrown }) => thrown)).toEqual([`${text} (on rank 1)`, text]);
    expect(readdirSync(dir)).toEqual([]);
    expect(readdirSync(leftover)).toEqual(["token"]);
  });

  test("on a full disk fails on every rank, and leaves the checkpoint before", async () => {
    const dir = join(root, "full");
    await run({ dir, action: "save", step: 1 });
    const outcomes = await run({ dir, action: "save on a full disk", step: 2 });
    const file = join(dir, ".saving-step-00000002", "shard-00001-of-00002.safetensors");
    const tensor = /tensor "[bw]"/.exec(outcomes[1]!.thrown)![0];
    const text = `CheckpointError: writeSafetensors: file (${file}) must be writable, but ${tensor} could not be written (ENOSPC: no space left on device, write); use a disk with enough space.`;
    expect(outcomes.map(({ thrown }) => thrown)).toEqual([`${text} (on rank 1)`, text]);
    expect(readdirSync(dir).sort()).toEqual(["latest", "step-00000001"]);
    verifyCheckpoint(dir);
  });

  test.each(["save", "save async"] as const)(
    "where no folder can be made fails on every rank (%s)",
    async (action) => {
      const file = join(root, "a-file");
      writeFileSync(file, "");
      const outcomes = await run({ dir: join(file, "checkpoints"), action });
      for (const { thrown } of outcomes) expect(thrown).toMatch(/ENOTDIR: not a directory/);
    },
  );

  test.each([
    [{ step: -1 }, "saveCheckpoint: step (-1) must be an integer from 0; use the number of steps done."],
    [{ keep: 0 }, "saveCheckpoint: keep (0) must be a positive integer; use for example keep: 3."],
    [
      { dataPosition: "function" },
      "saveCheckpoint: dataPosition (function) must be JSON (null, boolean, finite number, text, list, plain object); use plain data.",
    ],
    [
      { dataPosition: "NaN" },
      "saveCheckpoint: dataPosition (NaN) must be JSON (null, boolean, finite number, text, list, plain object); use plain data.",
    ],
    [
      { names: ["optimizer.m.w"] },
      'saveCheckpoint: parameter "optimizer.m.w" must not begin with "optimizer.", where the optimizer\'s state lies; use another field name.',
    ],
  ] as const)("%o is refused", async (options, text) => {
    const outcomes = await run({ dir: join(root, "refused"), action: "save", ...options });
    for (const { thrown } of outcomes) expect(thrown.replace(/^\w+: /, "")).toBe(text);
  });
});
