import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./programs/checkpoint-faults.ts";
import type { FaultOutcome, FaultRun } from "./programs/checkpoint-faults.ts";

const PROGRAM = new URL("./programs/checkpoint-faults.ts", import.meta.url);
const root = mkdtempSync(join(tmpdir(), "meshwright-faults-"));
const good = join(root, "good");
let world: WorldHandle;

beforeAll(async () => {
  world = await createWorld({ ranks: 2, engine: "cpu" });
  expect(await run({ dir: good, action: "save", step: 7, config: "small" })).toEqual([SAVED, SAVED]);
});
afterAll(async () => {
  await world.close();
  rmSync(root, { recursive: true });
});

const SAVED = expect.objectContaining({ thrown: "nothing", leaked: 0 }) as FaultOutcome;
// 5 rows over 2 ranks: 3 and 2.
const SHARDS = ["shard-00000-of-00002.safetensors", "shard-00001-of-00002.safetensors"];

async function run(options: FaultRun): Promise<FaultOutcome[]> {
  return world.run<typeof program>(PROGRAM, options);
}

let copies = 0;
/** A copy of the good checkpoint, changed. */
function changed(change: (folder: string) => void): string {
  const dir = join(root, `copy-${copies++}`);
  cpSync(good, dir, { recursive: true });
  const folder = join(dir, "step-00000007");
  change(folder);
  return folder;
}

/** Ranks on which it fails have a text of their own; the others that of the lowest which failed. */
async function expectLoadFails(
  options: Omit<FaultRun, "action">,
  texts: readonly [string | undefined, string | undefined],
): Promise<void> {
  const outcomes = await run({ action: "load", ...options });
  const first = texts[0] === undefined ? 1 : 0;
  for (const [rank, { thrown, leaked }] of outcomes.entries()) {
    expect(thrown).toBe(`CheckpointError: ${texts[rank] ?? `${texts[first]!} (on rank ${first})`}`);
    expect(leaked).toBe(0);
  }
}

const both = (text: string): readonly [string, string] => [text, text];
const only0 = (text: string): readonly [string, undefined] => [text, undefined];

describe("a checkpoint that fits", () => {
  test("is loaded, and its folder may be named itself", async () => {
    const outcomes = await run({ dir: join(good, "step-00000007"), action: "load", config: "small" });
    const saved = await run({ dir: join(root, "same"), action: "save" });
    expect(outcomes).toEqual(saved);
    expect(outcomes[0]!.values!.w).toHaveLength(9);
    expect(outcomes[1]!.values!.w).toHaveLength(6);
  });
});

describe("loading", () => {
  test("where there is no checkpoint", () =>
    expectLoadFails(
      { dir: join(root, "nowhere") },
      both(
        `CheckpointReader: folder (${join(root, "nowhere")}) must be a checkpoint or hold one; use the folder that saveCheckpoint wrote to.`,
      ),
    ));

  test("a tensor that the checkpoint lacks", () =>
    expectLoadFails(
      { dir: good, names: ["w", "b", "c"] },
      both(
        `loadCheckpoint: tensor "c" (float32[4]) must be in ${good}/step-00000007, but is missing; use the model that was saved.`,
      ),
    ));

  test("without a tensor that the checkpoint has", () =>
    expectLoadFails(
      { dir: good, names: ["w"] },
      both(
        `loadCheckpoint: tensor "b" of ${good}/step-00000007 must belong to what is loaded, but nothing has this name; use the model that was saved.`,
      ),
    ));

  test("another shape", () =>
    expectLoadFails(
      { dir: good, rows: 6 },
      both(
        `loadCheckpoint: tensor "w" ([6, 3]) must have the shape in ${good}/step-00000007 ([5, 3]); use the sizes of the model that was saved.`,
      ),
    ));

  test("with another configuration", async () => {
    const [first] = await run({ dir: good, action: "load", config: "large" });
    expect(first!.thrown).toMatch(
      /^CheckpointError: loadCheckpoint: config \(hash [0-9a-f]{8}\.\.\.\) must be the one that .*step-00000007 was saved with \(hash [0-9a-f]{8}\.\.\.\); use the settings of that run, or leave config out\.$/,
    );
  });

  test.each([
    ["the first", 0, ["w", undefined]],
    ["the second", 1, ["b", "w"]],
  ] as const)("a file that is missing, %s", (_, part, tensors) => {
    const folder = changed((path) => {
      rmSync(join(path, SHARDS[part]!));
    });
    return expectLoadFails(
      { dir: folder },
      tensors.map(
        (name) =>
          name &&
          `${folder}/${SHARDS[part]!}: file with tensor "${name}" must exist, but is missing; use another checkpoint.`,
      ) as [string, string],
    );
  });

  test("a file that is cut short", () => {
    const folder = changed((path) => {
      const file = join(path, SHARDS[1]!);
      truncateSync(file, readFileSync(file).length - 4);
    });
    const bytes = readFileSync(join(folder, SHARDS[1]!)).length;
    return expectLoadFails(
      { dir: folder },
      ["b", "w"].map(
        (name) =>
          `${folder}/${SHARDS[1]!}: file with tensor "${name}" (${bytes} bytes) must have ${bytes + 4} bytes, as the index says; it was truncated, use another checkpoint.`,
      ) as [string, string],
    );
  });

  test("a byte that was flipped, unless told not to look", async () => {
    const folder = changed((path) => {
      const file = join(path, SHARDS[1]!);
      const bytes = readFileSync(file);
      // The last byte belongs to the last tensor of the file.
      bytes[bytes.length - 1]! ^= 1;
      writeFileSync(file, bytes);
    });
    const outcomes = await run({ dir: folder, action: "load" });
    const { thrown } = outcomes.find((outcome) => !outcome.thrown.endsWith(")"))!;
    expect(thrown).toMatch(
      /^CheckpointError: .*shard-00001-of-00002\.safetensors: tensor "[bw]" \(SHA-256 [0-9a-f]{8}\.\.\.\) must have the hash [0-9a-f]{8}\.\.\., as the index says; its bytes were altered, use another checkpoint\.$/,
    );
    expect(await run({ dir: folder, action: "load", verify: false })).toEqual([SAVED, SAVED]);
  });

  test.each([
    [
      "another tensor",
      (text: string) => text.replace('"w":', '"v":'),
      'tensor "w" must be in the file, as the index says; use another checkpoint.',
    ],
    [
      "another shape",
      (text: string) => text.replace("[3,3]", "[1,9]"),
      'tensor "w" (F32[1, 9]) must be F32[3, 3], as the index says; use another checkpoint.',
    ],
    [
      "another dtype",
      (text: string) => text.replace("F32", "I32"),
      'tensor "w" (I32[3, 3]) must be F32[3, 3], as the index says; use another checkpoint.',
    ],
  ])("a file whose header says %s", (_, edit, problem) => {
    const folder = changed((path) => {
      const file = join(path, SHARDS[0]!);
      writeFileSync(file, edit(readFileSync(file, "latin1")), "latin1");
    });
    return expectLoadFails({ dir: folder }, only0(`${folder}/${SHARDS[0]!}: ${problem}`));
  });

  test.each([
    [
      "altered",
      (text: string) => text.replace('"step": 7', '"step": 8'),
      "index must have the hash that stands in it, but was altered; use another checkpoint.",
    ],
    [
      "of another version",
      (text: string) => text.replace('"version": 1', '"version": 2'),
      'format ("meshwright-checkpoint", version 2) must be "meshwright-checkpoint" of version 1; use the version of @meshwright/core that wrote it.',
    ],
  ])("an index that is %s", (_, edit, problem) => {
    const folder = changed((path) => {
      const file = join(path, "index.json");
      writeFileSync(file, edit(readFileSync(file, "utf8")));
    });
    return expectLoadFails({ dir: folder }, both(`${folder}/index.json: ${problem}`));
  });

  test("an index that is cut short", async () => {
    const folder = changed((path) => {
      truncateSync(join(path, "index.json"), 100);
    });
    const [first] = await run({ dir: folder, action: "load" });
    expect(first!.thrown).toMatch(
      /index\.json: index must be JSON \(.*\); the file is damaged, use another checkpoint\.$/,
    );
  });
});
