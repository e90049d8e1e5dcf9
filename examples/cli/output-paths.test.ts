import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ContractError } from "@meshwright/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkOutputPaths } from "./output-paths.ts";

describe("checkOutputPaths", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "meshwright-output-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test("accepts a new and an existing file, and creates the report's folder, but not the file", () => {
    const json = join(folder, "out.json");
    checkOutputPaths({ json, report: join(folder, "a", "b") });
    expect(existsSync(join(folder, "a", "b"))).toBe(true);
    expect(existsSync(json)).toBe(false);
    writeFileSync(json, "{}");
    checkOutputPaths({ json });
    checkOutputPaths({});
  });

  test("a file in a missing folder is an error", () => {
    const missing = join(folder, "missing");
    const json = join(missing, "out.json");
    expect(() => {
      checkOutputPaths({ json });
    }).toThrow(
      new ContractError(
        `--json: folder (${missing}) of file (${json}) must exist; use an existing folder, or create it first.`,
      ),
    );
  });

  test("a folder in place of the file is an error", () => {
    expect(() => {
      checkOutputPaths({ json: folder });
    }).toThrow(
      new ContractError(
        `--json: path (${folder}) must be a file, but is a folder; use for example ${folder}/out.json.`,
      ),
    );
  });

  test("a file in place of the report's folder is an error", () => {
    const report = join(folder, "report");
    writeFileSync(report, "");
    expect(() => {
      checkOutputPaths({ report });
    }).toThrow(/^--report: folder \(.*report\) must be a folder that can be created and written to \(EEXIST/);
  });
});
