import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CheckpointReader } from "./checkpoint-reader.ts";
import { latestCheckpoint, listCheckpoints } from "./checkpoint-folder.ts";
import { decodeElements } from "./element-values.ts";
import type { CheckpointFiles } from "./files.ts";
import { saveSmall, valueOf } from "./testing/small-save.ts";
import { Crash, VolatileFiles } from "./testing/volatile-files.ts";
import { verifyCheckpoint } from "./verify-checkpoint.ts";

const DIR = "/run/checkpoints";

/** The step of the newest checkpoint, all of whose values are right. */
function verifiedStep(files: CheckpointFiles): number | undefined {
  const folder = latestCheckpoint(DIR, files);
  if (folder === undefined) return undefined;
  expect(verifyCheckpoint(folder, { files })).toMatchObject({ numTensors: 2, numPieces: 3, bytes: 4 * 19 });
  const reader = new CheckpointReader(folder, files);
  const bytes = reader.readBox("w", { shape: [5, 3], offset: [0, 0] });
  const { step } = reader.index;
  expect([...decodeElements(bytes, "F32", "w")]).toEqual(
    Array.from({ length: 15 }, (_, i) => Math.fround(valueOf(step, 1, i))),
  );
  return step;
}

/** A disk with checkpoint 1, which was written after those of `before`; everything synced. */
function withFirst(keep?: number, before: readonly number[] = []): VolatileFiles {
  const files = new VolatileFiles();
  files.createFolder("/run");
  for (const step of before) saveSmall(files, DIR, step, keep);
  saveSmall(files, DIR, 1, keep);
  return files.afterCrash(() => true);
}

/** A training that went back from step 9: the highest step is not the latest. */
const BEFORE = [9];

function countOperations(keep?: number): number {
  const files = withFirst(keep, BEFORE);
  saveSmall(files, DIR, 2, keep);
  return files.operations.length;
}

describe.each([undefined, 1])("a crash during a save that keeps %s", (keep) => {
  const numOperations = countOperations(keep);

  test("at every operation, whatever reached the disk, leaves a whole checkpoint, and the next save works", () => {
    for (let crashAt = 0; crashAt <= numOperations; crashAt++) {
      fc.assert(
        fc.property(fc.infiniteStream(fc.boolean()), (coins) => {
          const files = withFirst(keep, BEFORE);
          files.crashAt = crashAt;
          let isDone = false;
          try {
            saveSmall(files, DIR, 2, keep);
            isDone = true;
          } catch (error) {
            expect(rootOf(error)).toBeInstanceOf(Crash);
          }
          expect(isDone).toBe(crashAt === numOperations);
          const disk = files.afterCrash(() => coins.next().value === true);
          const step = verifiedStep(disk);
          expect(isDone ? [2] : [1, 2]).toContain(step);
          // Old ones that are being removed do not look like checkpoints.
          for (const name of listCheckpoints(DIR, disk)) verifyCheckpoint(`${DIR}/${name}`, { files: disk });
          // What is no checkpoint is out of the way after the next save.
          saveSmall(disk, DIR, 3, keep);
          expect(verifiedStep(disk)).toBe(3);
          expect(disk.list(DIR).filter((name) => name.startsWith("."))).toEqual([]);
          if (keep === 1) expect(listCheckpoints(DIR, disk)).toEqual(["step-00000003"]);
        }),
        { numRuns: 60, seed: crashAt + 1 },
      );
    }
  });

  test("before the folder is renamed leaves the first, after `latest` is replaced the second", () => {
    const files = withFirst(keep);
    saveSmall(files, DIR, 2, keep);
    const rename = files.operations.findIndex((what) =>
      what.startsWith(`rename ${DIR}/.saving-step-00000002 `),
    );
    const latest = files.operations.findIndex(
      (what) => what === `rename ${DIR}/.saving-latest ${DIR}/latest`,
    );
    const stepAfter = (crashAt: number): number | undefined => {
      const crashed = withFirst(keep);
      crashed.crashAt = crashAt;
      expect(() => saveSmall(crashed, DIR, 2, keep)).toThrow();
      return verifiedStep(crashed.afterCrash(() => true));
    };
    expect(stepAfter(rename)).toBe(1);
    expect(stepAfter(latest)).toBe(1);
    expect(stepAfter(latest + 1)).toBe(2);
  });
});

function rootOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : error;
}

describe("a save", () => {
  test("of a step that exists makes another folder, which is then the latest", () => {
    const files = withFirst();
    saveSmall(files, DIR, 2);
    expect(saveSmall(files, DIR, 1)).toBe(`${DIR}/step-00000001.1`);
    expect(listCheckpoints(DIR, files)).toEqual(["step-00000001", "step-00000001.1", "step-00000002"]);
    expect(latestCheckpoint(DIR, files)).toBe(`${DIR}/step-00000001.1`);
  });

  test("keeps as many as it is told, those that were written last", () => {
    const files = withFirst();
    for (const step of [7, 5, 6]) saveSmall(files, DIR, step);
    saveSmall(files, DIR, 3, 3);
    expect(listCheckpoints(DIR, files)).toEqual(["step-00000003", "step-00000005", "step-00000006"]);
  });

  test.each(["create", "write", "sync"])(
    "that cannot %s says which tensor, and the one before stays",
    (what) => {
      const plan = withFirst();
      saveSmall(plan, DIR, 2);
      const shard = `${DIR}/.saving-step-00000002/shard-00001-of-00002.safetensors`;
      const operation = plan.operations.lastIndexOf(`${what} ${shard}`);
      const files = withFirst();
      files.failAt = { operation, error: new Error("ENOSPC: no space left on device, write") };
      const part = { create: "its header", write: 'tensor "b"', sync: "its end" }[what]!;
      expect(() => saveSmall(files, DIR, 2)).toThrow(
        `writeSafetensors: file (${shard}) must be writable, but ${part} could not be written (ENOSPC: no space left on device, write); use a disk with enough space.`,
      );
      expect(verifiedStep(files)).toBe(1);
    },
  );
});
