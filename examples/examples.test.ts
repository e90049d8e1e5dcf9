/**
 * Runs every numbered example as a user does, and compares what it prints with the `text` block in its header.
 */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const FOLDER = new URL(".", import.meta.url);
const RUNNER = fileURLToPath(new URL("run.mjs", FOLDER));
const names = readdirSync(FOLDER)
  .filter((file) => /^\d\d-.*(?<!\.test)\.ts$/.test(file))
  .map((file) => file.slice(0, -".ts".length))
  .sort();

/** The lines of the block, without what makes them a comment. */
function statedOutput(source: string): string[] {
  const [, block] = /^ \* ```text\n([\s\S]*?)^ \* ```$/m.exec(source)!;
  return block!.split("\n").map((line) => line.replace(/^ \* ?/, "").trimEnd());
}

describe("numbered examples", () => {
  test("are numbered without a gap, and each is under 60 lines with its header", () => {
    expect(names.map((name) => Number(name.slice(0, 2)))).toEqual(names.map((_, i) => i + 1));
    for (const name of names) {
      const lines = readFileSync(new URL(`${name}.ts`, FOLDER), "utf8")
        .trimEnd()
        .split("\n");
      expect(lines.length, name).toBeLessThan(60);
    }
  });

  test.concurrent.each(names)("%s prints what its header says", async (name) => {
    const { stdout } = await promisify(execFile)(process.execPath, [RUNNER, name]);
    const expected = statedOutput(readFileSync(new URL(`${name}.ts`, FOLDER), "utf8"));
    expect(stdout.split("\n").map((line) => line.trimEnd())).toEqual(expected);
  });
});
