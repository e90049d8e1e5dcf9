import { describe, expect, test } from "vitest";
import { encodeHeader, LENGTH_BYTES, parseHeader } from "./header.ts";

const W = { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] };
const parse = (json: string, dataBytes: number) =>
  parseHeader(Buffer.from(json, "utf8"), { file: "x.safetensors", dataBytes });

describe("parseHeader", () => {
  test("gives the tensors in the order of the data, and the metadata", () => {
    const b = { dtype: "U8", shape: [5], data_offsets: [24, 29] };
    const header = parse(`${JSON.stringify({ b, w: W, __metadata__: { format: "pt" } })}   `, 29);
    expect([...header.tensors]).toEqual([
      ["w", { dtype: "F32", shape: [2, 3], start: 0, end: 24 }],
      ["b", { dtype: "U8", shape: [5], start: 24, end: 29 }],
    ]);
    expect(header.metadata).toEqual({ format: "pt" });
  });

  test("accepts a file without tensors, a scalar, and a tensor without elements", () => {
    expect(parse("{}", 0).tensors.size).toBe(0);
    const scalar = { dtype: "BOOL", shape: [], data_offsets: [0, 1] };
    const empty = { dtype: "F64", shape: [4, 0], data_offsets: [0, 0] };
    expect([...parse(JSON.stringify({ scalar, empty }), 1).tensors.keys()]).toEqual(["empty", "scalar"]);
  });

  test("is not misled by braces, quotes and colons in names", () => {
    const name = '{"w":1} \\" }]';
    expect([...parse(JSON.stringify({ [name]: W }), 24).tensors.keys()]).toEqual([name]);
  });

  test.each<[string, string, number, string]>([
    ["no brace in front", ` {}`, 0, "header must start with {"],
    ["no JSON", `{"w":`, 0, "header must be JSON in UTF-8 (Unexpected end of JSON input)"],
    [
      "a key twice",
      `{"w":${JSON.stringify(W)},"\\u0077":${JSON.stringify(W)}}`,
      24,
      `header key "w" must appear once`,
    ],
    ["a field twice", `{"w":{"dtype":"F32","dtype":"F32"}}`, 24, `header key "dtype" must appear once`],
    ["metadata that is no text", `{"__metadata__":{"step":1}}`, 0, "__metadata__ must map texts to texts"],
    ["a list", `{"w":[]}`, 0, `tensor "w" must be described by an object`],
    [
      "an unknown field",
      entry({ ...W, stride: 1 }),
      24,
      `tensor "w" (stride) must have dtype, shape and data_offsets only`,
    ],
    [
      "an unknown dtype",
      entry({ ...W, dtype: "F33" }),
      24,
      `tensor "w" (dtype "F33") must have a known dtype`,
    ],
    [
      "a size below 0",
      entry({ ...W, shape: [-2, -3] }),
      24,
      `tensor "w" (shape [-2,-3]) must have a shape of integers from 0`,
    ],
    [
      "offsets that fall",
      entry({ ...W, data_offsets: [24, 0] }),
      24,
      `tensor "w" (data_offsets [24,0]) must have two ascending data_offsets`,
    ],
    [
      "another size",
      entry({ ...W, shape: [2, 4] }),
      24,
      `tensor "w" (24 bytes) must fill F32[2, 4] (32 bytes)`,
    ],
    [
      "a size beyond 2^53",
      entry({ ...W, shape: [2 ** 40, 2 ** 40] }),
      24,
      `tensor "w" (24 bytes) must fill F32[1099511627776, 1099511627776] (4.835703278458517e+24 bytes)`,
    ],
    [
      "a hole in front",
      entry({ ...W, data_offsets: [4, 28] }),
      28,
      `tensor "w" (from byte 4) must start where the one before it ends (byte 0)`,
    ],
    [
      "an overlap",
      JSON.stringify({ w: W, v: { ...W, data_offsets: [12, 36] } }),
      36,
      `tensor "v" (from byte 12) must start where the one before it ends (byte 24)`,
    ],
    ["data that is missing", entry(W), 23, `tensor "w" (bytes 0 to 24) must lie inside the data (23 bytes)`],
    ["data that nobody owns", entry(W), 25, "data (25 bytes) must end with its last tensor (byte 24)"],
  ])("refuses %s", (_, json, dataBytes, problem) => {
    expect(() => parse(json, dataBytes)).toThrow(
      `x.safetensors: ${problem}; the file is damaged, use another copy.`,
    );
  });
});

function entry(w: object): string {
  return JSON.stringify({ w });
}

test("encodeHeader pads, so that the data starts at a multiple of 8, and is read back as it was", () => {
  for (const name of ["w", "wide", "é\n\"'"]) {
    const tensors = new Map([
      [name, { dtype: "F32" as const, shape: [2, 3] }],
      ["z", { dtype: "BOOL" as const, shape: [3] }],
    ]);
    const { bytes, entries } = encodeHeader(tensors, { made: "here" });
    expect(bytes.length % 8).toBe(0);
    const header = parseHeader(bytes.subarray(LENGTH_BYTES), { file: "x", dataBytes: 27 });
    expect([...header.tensors]).toEqual([...entries]);
    expect(header.metadata).toEqual({ made: "here" });
  }
});
