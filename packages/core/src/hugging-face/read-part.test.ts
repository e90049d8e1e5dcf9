import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { bytesOf } from "../checkpoint/element-values.ts";
import { nodeFiles, type CheckpointFiles } from "../checkpoint/files.ts";
import { SafetensorsFile } from "../checkpoint/read-safetensors.ts";
import { writeSafetensors } from "../checkpoint/write-safetensors.ts";
import { readPart } from "./read-part.ts";

const root = mkdtempSync(join(tmpdir(), "meshwright-read-part-"));
afterAll(() => {
  rmSync(root, { recursive: true });
});

const PATH = join(root, "w.safetensors");
const values = Float32Array.from({ length: 5 * 12 }, (_, i) => i);
writeSafetensors(PATH, [{ name: "w", dtype: "F32", shape: [5, 12], bytes: () => bytesOf(values) }]);

/** Counts reads after the two of the header. */
function read(part: { shape: number[]; offset: number[]; maxGapBytes: number }) {
  let calls = 0;
  const files: CheckpointFiles = {
    ...nodeFiles,
    open(path) {
      const { size, read: readInto, close } = nodeFiles.open(path);
      const counted = (into: Uint8Array, position: number): number => {
        calls++;
        return readInto(into, position);
      };
      return { size, read: counted, close };
    },
  };
  const file = SafetensorsFile.open(PATH, files);
  calls = 0;
  const bytes = readPart(file, "w", part);
  file.close();
  return { values: [...new Float32Array(bytes.buffer)], bytes: file.bytesRead.data, calls };
}

describe("readPart", () => {
  const columns = { shape: [4, 3], offset: [1, 4] };
  const wanted = [1, 2, 3, 4].flatMap((row) => [4, 5, 6].map((column) => row * 12 + column));

  test("reads wide gaps around, row by row", () => {
    expect(read({ ...columns, maxGapBytes: 35 })).toEqual({ values: wanted, bytes: 48, calls: 4 });
  });

  test("reads narrow gaps with the rows, at once", () => {
    // From the first row's first column to the last row's last: 3 rows of 12 and 3 columns.
    expect(read({ ...columns, maxGapBytes: 36 })).toEqual({ values: wanted, bytes: 4 * 39, calls: 1 });
  });

  test("reads whole rows at once, and of nothing nothing", () => {
    const rows = read({ shape: [2, 12], offset: [3, 0], maxGapBytes: 100 });
    expect(rows).toEqual({ values: [...values.slice(36)], bytes: 96, calls: 1 });
    expect(read({ shape: [0, 12], offset: [5, 0], maxGapBytes: 100 })).toEqual({
      values: [],
      bytes: 0,
      calls: 0,
    });
    expect(read({ shape: [5, 0], offset: [0, 12], maxGapBytes: 0 }).calls).toBe(0);
  });

  test("bounds what it reads at once", () => {
    const path = join(root, "wide.safetensors");
    // Rows of 1.5 MiB: two of them, but not three, are read at once.
    const wide = Float32Array.from({ length: 5 * 393_216 }, (_, i) => i % 9973);
    writeSafetensors(path, [{ name: "w", dtype: "F32", shape: [5, 393_216], bytes: () => bytesOf(wide) }]);
    const file = SafetensorsFile.open(path);
    const part = { shape: [5, 2], offset: [0, 7], maxGapBytes: Infinity };
    const found = new Float32Array(readPart(file, "w", part).buffer);
    file.close();
    const expected = [0, 1, 2, 3, 4].flatMap((row) => [7, 8].map((column) => wide[row * 393_216 + column]!));
    expect([...found]).toEqual(expected);
    expect(file.bytesRead.data).toBe(4 * (2 * (393_216 + 2) + 2));
  });
});
