import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "tsup";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { latestCheckpoint, listCheckpoints } from "../../src/checkpoint/checkpoint-folder.ts";
import { CheckpointReader } from "../../src/checkpoint/checkpoint-reader.ts";
import { decodeElements } from "../../src/checkpoint/element-values.ts";
import { nodeFiles } from "../../src/checkpoint/files.ts";
import { saveSmall, valueOf } from "../../src/checkpoint/testing/small-save.ts";
import { verifyCheckpoint } from "../../src/checkpoint/verify-checkpoint.ts";
import { philox4x32 } from "../../src/random/philox.ts";

const KILLS = 200;
/** Two at a time, each in a folder of its own. */
const LANES = 2;
/** Operations that a save reports; a kill comes within the first three saves. */
const OPERATIONS = 3 * 25;

const root = mkdtempSync(join(tmpdir(), "meshwright-kill-"));
const script = join(root, "save-loop.mjs");

/** Bundled once: a child then starts in some 50 ms. */
beforeAll(async () => {
  await build({
    entry: [fileURLToPath(new URL("./save-loop.ts", import.meta.url))],
    outDir: root,
    outExtension: () => ({ js: ".mjs" }),
    ...{ format: "esm", target: "node20", dts: false, config: false, silent: true },
    tsconfig: fileURLToPath(new URL("../../../../tsconfig.json", import.meta.url)),
  });
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** Starts a child and kills it as soon as it has reported `numOperations`. */
async function killAfter(numOperations: number, dir: string): Promise<void> {
  const child = spawn(process.execPath, [script, dir], { stdio: ["ignore", "pipe", "pipe"] });
  let seen = 0;
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.on("data", (chunk: Buffer) => {
    seen += chunk.length;
    if (seen >= numOperations) child.kill("SIGKILL");
  });
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  expect(stderr).toBe("");
  expect(signal).toBe("SIGKILL");
}

/** The step of the newest checkpoint, verified, with the values that this step has. */
function verifiedStep(dir: string): number | undefined {
  const folder = latestCheckpoint(dir);
  if (folder === undefined) return undefined;
  verifyCheckpoint(folder);
  const reader = new CheckpointReader(folder);
  try {
    const { step } = reader.index;
    const values = decodeElements(reader.readBox("b", { shape: [4], offset: [0] }), "F32", "b");
    expect([...values]).toEqual(Array.from({ length: 4 }, (_, i) => Math.fround(valueOf(step, 2, i))));
    return step;
  } finally {
    reader.close();
  }
}

describe("a process that saves and is killed", () => {
  test.concurrent.each(Array.from({ length: LANES }, (_, lane) => lane))(
    `at ${KILLS / LANES} random instants leaves a whole checkpoint each time, lane %i`,
    async (lane) => {
      const dir = join(root, `lane-${lane}`);
      let last: number | undefined;
      let unfinished = 0;
      for (let kill = 0; kill < KILLS / LANES; kill++) {
        const [word] = philox4x32([kill, lane, 0, 0], [3, 5]);
        await killAfter(1 + (word! % OPERATIONS), dir);
        if (readdirSync(dir).some((name) => name.startsWith("."))) unfinished++;
        const step = verifiedStep(dir);
        // Never an older one than after the kill before.
        if (last !== undefined) expect(step).toBeGreaterThanOrEqual(last);
        last = step;
        for (const name of listCheckpoints(dir)) verifyCheckpoint(join(dir, name));
      }
      // Most kills must have hit a save, or the test shows nothing.
      expect(unfinished).toBeGreaterThan(KILLS / LANES / 2);
      saveSmall(nodeFiles, dir, last! + 1, 2);
      expect(verifiedStep(dir)).toBe(last! + 1);
      expect(readdirSync(dir).filter((name) => name.startsWith("."))).toEqual([]);
    },
  );
});
