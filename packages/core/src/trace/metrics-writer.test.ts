import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ContractError } from "../errors.ts";
import { metricsWriter } from "./metrics-writer.ts";

describe("metricsWriter", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "meshwright-metrics-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test("each record is one line, readable before close", () => {
    const file = join(folder, "metrics.jsonl");
    const metrics = metricsWriter(file);
    metrics.write({ step: 1, loss: 4.25 });
    expect(readFileSync(file, "utf8")).toBe('{"step":1,"loss":4.25}\n');
    metrics.write({ step: 2, note: "two\nlines" });
    metrics.close();
    expect(readFileSync(file, "utf8")).toBe('{"step":1,"loss":4.25}\n{"step":2,"note":"two\\nlines"}\n');
  });

  test("a new writer replaces the file, append continues it", () => {
    const file = join(folder, "metrics.jsonl");
    for (const [step, append] of [
      [1, false],
      [2, false],
      [3, true],
    ] as const) {
      const metrics = metricsWriter(file, { append });
      metrics.write({ step });
      metrics.close();
    }
    expect(readFileSync(file, "utf8")).toBe('{"step":2}\n{"step":3}\n');
  });

  test("values that JSON does not know are spelled out, not turned into null", () => {
    const file = join(folder, "metrics.jsonl");
    const metrics = metricsWriter(file);
    metrics.write({ loss: Number.NaN, nested: { scale: [Infinity, -Infinity] } });
    metrics.close();
    expect(readFileSync(file, "utf8")).toBe('{"loss":"NaN","nested":{"scale":["Infinity","-Infinity"]}}\n');
  });

  test("a missing folder is an error that names the file and the way out", () => {
    const file = join(folder, "missing", "metrics.jsonl");
    expect(() => metricsWriter(file)).toThrow(
      new ContractError(
        `metricsWriter: file (${file}) must be a writable file in an existing folder (ENOENT: no such file or directory, open '${file}'); use mkdirSync(folder, { recursive: true }) first, or another path.`,
      ),
    );
  });

  test("a folder in place of the file is an error", () => {
    expect(() => metricsWriter(folder)).toThrow(
      /^metricsWriter: file \(.*\) must be a writable file .*EISDIR/,
    );
  });

  test("close may be called twice; writing after it is an error", () => {
    const file = join(folder, "metrics.jsonl");
    const metrics = metricsWriter(file);
    metrics.close();
    metrics.close();
    expect(() => {
      metrics.write({ step: 1 });
    }).toThrow(
      new ContractError(
        `metricsWriter.write: file (${file}) must be open, but was closed; use a new metricsWriter(file, { append: true }).`,
      ),
    );
    expect(readFileSync(file, "utf8")).toBe("");
  });
});
