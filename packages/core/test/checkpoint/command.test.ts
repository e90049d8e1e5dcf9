import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convertCheckpoint } from "../../src/checkpoint/convert.ts";
import { bytesOf } from "../../src/checkpoint/element-values.ts";
import { nodeFiles } from "../../src/checkpoint/files.ts";
import { mergeCheckpoint } from "../../src/checkpoint/merge.ts";
import { SafetensorsFile } from "../../src/checkpoint/read-safetensors.ts";
import { saveSmall, valueOf } from "../../src/checkpoint/testing/small-save.ts";
import { verifyCheckpoint } from "../../src/checkpoint/verify-checkpoint.ts";
import { writeSafetensors } from "../../src/checkpoint/write-safetensors.ts";

const bin = fileURLToPath(new URL("../../bin/meshwright.mjs", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "meshwright-checkpoint-command-"));
const dir = join(root, "checkpoints");
beforeAll(() => {
  for (const step of [3, 4]) saveSmall(nodeFiles, dir, step);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

async function meshwright(
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [bin, "checkpoint", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const text = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...text };
}

function values(path: string, name: string): number[] {
  const file = SafetensorsFile.open(path);
  try {
    return [...file.readValues(name)];
  } finally {
    file.close();
  }
}

const w = (step: number): number[] => Array.from({ length: 15 }, (_, i) => Math.fround(valueOf(step, 1, i)));

describe("meshwright checkpoint", () => {
  test("inspect prints what the latest checkpoint holds", async () => {
    const fileBytes = Object.values(
      (
        JSON.parse(readFileSync(join(dir, "step-00000004", "index.json"), "utf8")) as {
          files: Record<string, { bytes: number }>;
        }
      ).files,
    ).reduce((sum, { bytes }) => sum + bytes, 0);
    expect(await meshwright("inspect", dir)).toEqual({
      code: 0,
      stderr: "",
      stdout: `${dir}/step-00000004
step        4
mesh        { dp: 2 }
files       2, ${fileBytes} B
random      1 layer with a call number
data        {"next":4}
parameters  2 tensors, 19 elements, 76 B

tensor  dtype  shape   size  pieces
b       F32    [4]     16 B  whole
w       F32    [5, 3]  60 B  1 x [3, 3], 1 x [2, 3]
`,
    });
  });

  test("inspect --json prints the index", async () => {
    const { stdout } = await meshwright("inspect", join(dir, "step-00000003"), "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      folder: join(dir, "step-00000003"),
      step: 3,
      tensors: {
        w: { shape: [5, 3], pieces: [{ offset: [0, 0] }, { offset: [3, 0] }] },
        b: { dtype: "F32" },
      },
    });
  });

  test("verify says that all is well with code 0, and with code 1 what is not", async () => {
    const good = await meshwright("verify", dir);
    expect(good).toMatchObject({ code: 0, stderr: "" });
    expect(good.stdout).toMatch(
      /step-00000004: 2 tensors in 3 pieces are whole \(76 B in \d+\.\d\d s, .*\/s\)\n$/,
    );
    const bad = join(root, "bad");
    const file = join(saveSmall(nodeFiles, bad, 1), "shard-00001-of-00002.safetensors");
    const bytes = readFileSync(file);
    bytes[bytes.length - 1]! ^= 4;
    writeFileSync(file, bytes);
    const { code, stdout, stderr } = await meshwright("verify", bad);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(
      /^.*shard-00001-of-00002\.safetensors: tensor "b" \(SHA-256 .*\) must have the hash .*; its bytes were altered, use another checkpoint\.\n$/,
    );
  });

  test("merge writes one plain file, and replaces one only if told to", async () => {
    const file = join(root, "merged.safetensors");
    expect(await meshwright("merge", dir, file)).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringContaining("2 tensors") as string,
    });
    expect(values(file, "w")).toEqual(w(4));
    expect(await meshwright("merge", dir, file)).toMatchObject({
      code: 2,
      stderr: `meshwright checkpoint merge: file (${file}) must not exist yet; use another name, or --force.\n`,
    });
    expect((await meshwright("merge", join(dir, "step-00000003"), file, "--force")).code).toBe(0);
    expect(values(file, "w")).toEqual(w(3));
  });

  test("convert makes a checkpoint of a file", async () => {
    const file = join(root, "plain.safetensors");
    mergeCheckpoint(dir, file);
    const out = join(root, "converted");
    const { code, stdout } = await meshwright(
      "convert",
      file,
      out,
      "--files",
      "3",
      "--dtype",
      "bf16",
      "--step",
      "9",
    );
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `${out}/step-00000009: 2 tensors in 3 files, 38 B\n`,
    });
  });

  test.each([
    [
      ["inspect", "nowhere"],
      1,
      "CheckpointReader: folder (nowhere) must be a checkpoint or hold one; use the folder that saveCheckpoint wrote to.",
    ],
    [
      ["merge", "x"],
      2,
      "meshwright: missing required argument 'FILE'; see meshwright checkpoint merge --help.",
    ],
    [
      ["merge", "x", "y", "--dtype", "f8"],
      2,
      "meshwright: option '--dtype <name>' argument 'f8' is invalid. Allowed choices are f32, bf16, f16; see meshwright checkpoint merge --help.",
    ],
    [["look"], 2, "meshwright: unknown command 'look'; see meshwright checkpoint --help."],
  ])("%j is refused on one line", async (args, code, message) => {
    expect(await meshwright(...args)).toEqual({ code, stdout: "", stderr: `${message}\n` });
  });
});

describe("convertCheckpoint", () => {
  test("keeps step, optimizer, random state and values, in other files", () => {
    const folder = convertCheckpoint(dir, join(root, "again"), { numFiles: 1 });
    expect(JSON.parse(readFileSync(join(folder, "index.json"), "utf8"))).toMatchObject({
      step: 4,
      mesh: { dp: 2 },
      dataPosition: { next: 4 },
      random: { callIndices: { dropout: 4 } },
    });
    expect(values(join(folder, "shard-00000-of-00001.safetensors"), "w")).toEqual(w(4));
  });

  test("cuts large tensors into rows, and rounds parameters but not the optimizer's state", () => {
    const file = join(root, "large.safetensors");
    const large = Float32Array.from({ length: 130 * 200 }, (_, i) => i / 7);
    const tensors = ["w", "optimizer.m.w"].map((name) => ({
      ...{ name, dtype: "F32" as const, shape: [130, 200] },
      bytes: () => bytesOf(large),
    }));
    writeSafetensors(file, [
      ...tensors,
      { name: "b", dtype: "I32", shape: [1], bytes: () => bytesOf(Int32Array.of(7)) },
    ]);
    const folder = convertCheckpoint(file, join(root, "cut"), { numFiles: 4, dtype: "F16" });
    expect(verifyCheckpoint(folder)).toEqual({ folder, numTensors: 3, numPieces: 9, bytes: 6 * 26_000 + 4 });
    const merged = join(root, "whole.safetensors");
    mergeCheckpoint(folder, merged, { withOptimizer: true });
    expect(values(merged, "optimizer.m.w")).toEqual([...large]);
    // 2^-11 of the value, rounded to nearest.
    for (const [i, value] of values(merged, "w").entries()) {
      expect(Math.abs(value - large[i]!)).toBeLessThanOrEqual(large[i]! * 2 ** -11);
    }
    expect(values(merged, "b")).toEqual([7]);
  });

  test("of a damaged source leaves nothing", () => {
    const bad = join(root, "bad-source");
    const folder = saveSmall(nodeFiles, bad, 1);
    rmSync(join(folder, "shard-00000-of-00002.safetensors"));
    const out = join(root, "nothing");
    expect(() => convertCheckpoint(bad, out)).toThrow(
      'shard-00000-of-00002.safetensors: file with tensor "w" must exist',
    );
    expect(nodeFiles.list(out)).toEqual([]);
    const file = join(root, "nothing.safetensors");
    expect(() => mergeCheckpoint(bad, file)).toThrow('tensor "w" must exist');
    expect([existsSync(file), existsSync(`${file}.writing`)]).toEqual([false, false]);
  });
});
