import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { beginSave, type CommitOptions } from "../../src/checkpoint/commit.ts";
import { nodeFiles } from "../../src/checkpoint/files.ts";
import { startWriter, type BackgroundWriter } from "../../src/checkpoint/start-writer.ts";
import { verifyCheckpoint } from "../../src/checkpoint/verify-checkpoint.ts";
import { countThreads } from "../runtime/live-threads.ts";

const root = mkdtempSync(join(tmpdir(), "meshwright-writer-"));
afterAll(() => {
  rmSync(root, { recursive: true });
});

const COMMIT: CommitOptions = {
  numParts: 2,
  facts: { step: 1, mesh: { tp: 2 }, configHash: null, dataPosition: null, extra: null },
};

/** The writer of one of two parts: row `part` of `w`, `[2, 3]`. */
function startPart(target: { dir: string; name: string }, part: number): BackgroundWriter {
  const data = new Uint8Array(Float32Array.of(part, part + 0.5, part + 0.25).buffer);
  return startWriter({
    ...{ target, part, numParts: 2, optimizer: null, random: null },
    pieces: [{ name: "w", dtype: "F32", shape: [1, 3], offset: [part, 0], globalShape: [2, 3], data }],
    commit: part === 0 ? COMMIT : undefined,
  });
}

describe("writer threads", () => {
  test("complete the checkpoint once all parts are there, and end", async () => {
    const threads = countThreads();
    const dir = join(root, "whole");
    const target = beginSave(nodeFiles, dir, 1);
    const first = startPart(target, 0);
    await first.written;
    // The first part alone makes no checkpoint.
    expect(readdirSync(dir)).toEqual([".saving-step-00000001"]);
    const second = startPart(target, 1);
    expect(await first.committed).toBe(join(dir, "step-00000001"));
    await Promise.all([first.ended, second.ended]);
    expect({ live: threads.live(), started: threads.started() }).toEqual({ live: 0, started: 2 });
    expect(verifyCheckpoint(dir)).toMatchObject({ numTensors: 1, numPieces: 2, bytes: 24 });
    await expect(second.committed).rejects.toThrow(
      "internal: a checkpoint's writer thread ended without a word",
    );
  });

  test("give up waiting for a part that will not come", async () => {
    const dir = join(root, "given-up");
    const writer = startPart(beginSave(nodeFiles, dir, 1), 0);
    await writer.written;
    writer.giveUp();
    await writer.ended;
    expect(readdirSync(dir)).toEqual([".saving-step-00000001"]);
  });

  test("say what went wrong", async () => {
    const target = { dir: join(root, "nowhere"), name: "step-00000001" };
    const writer = startPart(target, 1);
    await expect(writer.written).rejects.toThrow(
      /^writeSafetensors: file \(.*nowhere.*\) must be writable, but its header could not be written \(ENOENT: no such file or directory, open .*\); use a disk with enough space\.$/,
    );
    await writer.ended;
  });
});
