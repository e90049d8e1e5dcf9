import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { SafetensorsDtype } from "../../src/checkpoint/dtype.ts";
import { bytesOf } from "../../src/checkpoint/element-values.ts";
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "../../src/checkpoint/half-precision.ts";
import { SafetensorsFile } from "../../src/checkpoint/read-safetensors.ts";
import { writeSafetensors, type TensorToWrite } from "../../src/checkpoint/write-safetensors.ts";

const golden = (name: string): string => fileURLToPath(new URL(`./golden/${name}`, import.meta.url));
const root = mkdtempSync(join(tmpdir(), "meshwright-safetensors-"));
afterAll(() => {
  rmSync(root, { recursive: true });
});

function tensor(
  name: string,
  dtype: SafetensorsDtype,
  shape: number[],
  values: ArrayBufferView,
): TensorToWrite {
  return { name, dtype, shape, bytes: () => bytesOf(values) };
}

const PLAIN: readonly TensorToWrite[] = [
  tensor("e.bool", "BOOL", [3], Uint8Array.of(1, 0, 1)),
  tensor("a.f32", "F32", [2, 3], Float32Array.of(-1, -0.75, -0.5, -0.25, 0, 0.25)),
  tensor("b.f32 scalar", "F32", [], Float32Array.of(-2.5)),
  tensor("d.f32 empty", "F32", [0, 5], new Float32Array()),
  tensor("c.i32", "I32", [2, 2], Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 0, 7)),
];

describe("a file of the Python package", () => {
  test("is read value by value", () => {
    const file = SafetensorsFile.open(golden("plain.safetensors"));
    for (const { name, dtype, shape, bytes } of PLAIN) {
      expect(file.entry(name)).toMatchObject({ dtype, shape });
      expect(file.readBytes(name)).toEqual(new Uint8Array(bytes()));
    }
    expect(file.header.metadata).toEqual({ made: "by Python", quoted: 'a "b" \\ é' });
    file.close();
  });

  test("is what writeSafetensors writes, byte for byte", () => {
    const path = join(root, "plain.safetensors");
    const { bytes } = writeSafetensors(path, PLAIN, {
      metadata: { made: "by Python", quoted: 'a "b" \\ é' },
    });
    expect(readFileSync(path)).toEqual(readFileSync(golden("plain.safetensors")));
    expect(bytes).toBe(readFileSync(path).length);
  });

  test.each<[string, number[]]>([
    ["f64", [0.5, -3, 2 ** 100]],
    ["i64", [-(2 ** 31), 5]],
    ["u8", [0, 255]],
    ["i8", [-128, 127]],
    ["i16", [-32768, 32767]],
    ["u16", [65535]],
    ["u32", [2 ** 31 - 1]],
  ])("gives the values of %s exactly", (name, values) => {
    const file = SafetensorsFile.open(golden("dtypes.safetensors"));
    expect([...file.readValues(name)]).toEqual(values);
    file.close();
  });

  test.each([
    ["f64 inexact", "element 1 (0.1 of F64) must have an exact float32 value; use a file converted to F32."],
    [
      "i64 large",
      "element 1 (2147483648 of I64) must have an exact int32 value; use a file converted to I32.",
    ],
  ])("with values that do not fit (%s) says which", (name, problem) => {
    const path = golden("dtypes.safetensors");
    const file = SafetensorsFile.open(path);
    expect(() => file.readValues(name)).toThrow(`${path}: tensor "${name}": ${problem}`);
    file.close();
  });
});

describe("16-bit floats", () => {
  const { float32Bits, words, exactBits } = JSON.parse(readFileSync(golden("halves.json"), "utf8")) as {
    readonly float32Bits: number[];
    readonly words: Record<"f16" | "bf16", number[]>;
    readonly exactBits: Record<"f16" | "bf16", number[]>;
  };
  const floats = new Float32Array(Uint32Array.from(float32Bits).buffer);

  test.each([
    ["f16", toFloat16, fromFloat16],
    ["bf16", toBfloat16, fromBfloat16],
  ] as const)("%s is rounded and read as numpy does it", (name, to, from) => {
    const isNaNAt = (i: number): boolean => Number.isNaN(floats[i]);
    for (const [i, word] of to(floats).entries())
      if (!isNaNAt(i)) expect(word, String(floats[i])).toBe(words[name][i]);
    const back = new Uint32Array(from(Uint16Array.from(words[name])).buffer);
    for (const [i, bits] of back.entries()) if (!isNaNAt(i)) expect(bits).toBe(exactBits[name][i]);
    // A NaN has many spellings.
    expect([...from(to(Float32Array.of(NaN)))]).toEqual([NaN]);
  });

  test.each([
    ["f16", toFloat16, fromFloat16],
    ["bf16", toBfloat16, fromBfloat16],
  ] as const)("all 65,536 words of %s survive", (_, to, from) => {
    const all = Uint16Array.from({ length: 65536 }, (__, word) => word);
    const values = from(all);
    const back = to(values);
    for (const word of all) if (!Number.isNaN(values[word])) expect(back[word]).toBe(word);
  });
});

describe("reading by byte range", () => {
  const path = join(root, "ranges.safetensors");
  writeSafetensors(path, [
    tensor(
      "w",
      "F32",
      [4, 6],
      Float32Array.from({ length: 24 }, (_, i) => i),
    ),
    tensor("b", "BOOL", [5], Uint8Array.of(1, 0, 0, 1, 1)),
  ]);

  test("takes the bytes of a box and no others", () => {
    const file = SafetensorsFile.open(path);
    const into = new Uint8Array(4 * 6);
    file.readBox("w", { shape: [3, 2], offset: [1, 3] }, into);
    expect([...new Float32Array(into.buffer)]).toEqual([9, 10, 15, 16, 21, 22]);
    expect(file.bytesRead.data).toBe(24);
    expect([...file.readBytes("b", { from: 1, to: 4 })]).toEqual([0, 0, 1]);
    expect(file.bytesRead.data).toBe(27);
    expect(file.bytesRead.header).toBe(readFileSync(path).length - 4 * 24 - 5);
    file.close();
  });

  test("of a tensor that the file does not have names those that it has", () => {
    const file = SafetensorsFile.open(path);
    expect(() => file.readValues("v")).toThrow(
      `${path}: tensor "v" must be in the file, which holds w, b; use one of its names.`,
    );
    file.close();
  });
});

describe("a damaged file", () => {
  const path = join(root, "damaged.safetensors");
  const withLength = (length: bigint): Buffer => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(length);
    return bytes;
  };

  test.each([
    ["too short", Buffer.alloc(7), "file (7 bytes) must have at least 8 bytes"],
    [
      "with a long header",
      withLength(100_000_001n),
      "header (100000001 bytes) must have at most 100000000 bytes",
    ],
    ["with a header beyond its end", withLength(9n), "header (9 bytes) must end inside the file (16 bytes)"],
  ])("%s is refused", (_, bytes, problem) => {
    writeFileSync(path, bytes);
    expect(() => SafetensorsFile.open(path)).toThrow(
      `${path}: ${problem}; the file is damaged, use another copy.`,
    );
  });

  test("cut short names the tensor", () => {
    writeSafetensors(path, [tensor("w", "F32", [2], Float32Array.of(1, 2))]);
    truncateSync(path, readFileSync(path).length - 1);
    expect(() => SafetensorsFile.open(path)).toThrow(
      `${path}: tensor "w" (bytes 0 to 8) must lie inside the data (7 bytes); the file is damaged, use another copy.`,
    );
  });

  test("that is missing is named", () => {
    const missing = join(root, "missing.safetensors");
    expect(() => SafetensorsFile.open(missing)).toThrow(
      `${missing}: file must exist and be readable (ENOENT: no such file or directory, open '${missing}'); use another copy.`,
    );
  });
});

describe("writeSafetensors", () => {
  test("refuses a name twice, and bytes that do not fill the shape", () => {
    const path = join(root, "refused.safetensors");
    const w = tensor("w", "F32", [2], Float32Array.of(1, 2));
    expect(() => writeSafetensors(path, [w, w])).toThrow(
      `writeSafetensors: names of tensors must differ in one file (${path}); use unique names.`,
    );
    expect(() => writeSafetensors(path, [{ ...w, shape: [3] }])).toThrow(
      `writeSafetensors: tensor "w" (8 bytes) must fill F32[3] (12 bytes); use its own shape.`,
    );
  });

  test("asks for one tensor at a time", () => {
    const asked: string[] = [];
    const lazily = (name: string): TensorToWrite => ({
      ...tensor(name, "F32", [1], Float32Array.of(1)),
      bytes: () => {
        asked.push(name);
        return bytesOf(Float32Array.of(1));
      },
    });
    writeSafetensors(join(root, "lazy.safetensors"), [lazily("a"), lazily("b")]);
    expect(asked).toEqual(["a", "b"]);
  });
});
