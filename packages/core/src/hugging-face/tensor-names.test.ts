import { describe, expect, test } from "vitest";
import { GPT } from "../nn/gpt.ts";
import { Llama } from "../nn/llama.ts";
import { namedParameters } from "../nn/module.ts";
import { GPT_NAMES } from "./gpt-names.ts";
import { LLAMA_NAMES } from "./llama-names.ts";
import { placeOf, tensorBox, tensorShape, tensorsOf, type NameTable } from "./tensor-names.ts";

const SIZES = { vocabSize: 11, contextLength: 5, features: 6, heads: 3, layers: 12 };

describe("placeOf", () => {
  test.each([
    { table: GPT_NAMES, model: new GPT(SIZES) },
    { table: LLAMA_NAMES, model: new Llama(SIZES) },
  ])("$table.prefix: every parameter has a place, no two the same, and no name is left over", (model) => {
    const names = [...namedParameters(model.model).keys()];
    const places = names.map((name) => placeOf(model.table, name)!);
    const texts = new Set(places.map(({ tensor, part }) => `${tensor} ${part?.index ?? ""}`));
    expect(texts.size).toBe(names.length);
    const patterns = new Set(names.map((name) => name.replace(/^blocks\.\d+/, "blocks.*")));
    expect(new Set(model.table.names.map(({ parameter }) => parameter))).toEqual(patterns);
  });

  test("carries the number of the block over", () => {
    expect(placeOf(GPT_NAMES, "blocks.11.attention.key.bias")).toEqual({
      parameter: "blocks.11.attention.key.bias",
      tensor: "transformer.h.11.attn.c_attn.bias",
      part: { index: 1, of: 3 },
    });
    expect(placeOf(LLAMA_NAMES, "blocks.7.mlp.gate.weight")?.tensor).toBe(
      "model.layers.7.mlp.gate_proj.weight",
    );
    expect(placeOf(LLAMA_NAMES, "blocks.7.mlp.gate.bias")).toBeUndefined();
  });
});

test("a stacked parameter has a tensor for each index of its first dim", () => {
  const stack = {
    parameter: "blocks.*.mlp.up",
    tensor: "layers.*.experts.#.w3",
    transposed: true,
    stacked: true,
  };
  const table = { prefix: "", names: [stack], ignored: /^$/ } as NameTable;
  const place = placeOf(table, "blocks.1.mlp.up")!;
  expect(tensorShape(place, [3, 4, 5])).toEqual([5, 4]);
  expect(tensorsOf(place, [2, 4, 5])).toEqual(
    [0, 1].map((i) => ({
      parameter: "blocks.1.mlp.up",
      tensor: `layers.1.experts.${i}.w3`,
      transposed: true,
    })),
  );
  const plain = placeOf(LLAMA_NAMES, "finalNorm.weight")!;
  expect(tensorsOf(plain, [6])).toEqual([plain]);
});

describe("a box of a parameter", () => {
  test("lies in the tensor's columns, transposed, or as it is", () => {
    const box = { shape: [6, 2], offset: [0, 4] };
    const key = placeOf(GPT_NAMES, "blocks.0.attention.key.weight")!;
    expect(tensorShape(key, [6, 6])).toEqual([6, 18]);
    expect(tensorBox(key, box, { parameterShape: [6, 6] })).toEqual({ shape: [6, 2], offset: [0, 10] });
    const up = placeOf(LLAMA_NAMES, "blocks.0.mlp.up.weight")!;
    expect(tensorShape(up, [6, 16])).toEqual([16, 6]);
    expect(tensorBox(up, box, { parameterShape: [6, 16] })).toEqual({ shape: [2, 6], offset: [4, 0] });
    const down = placeOf(GPT_NAMES, "blocks.0.mlp.down.weight")!;
    expect(tensorShape(down, [24, 6])).toEqual([24, 6]);
    expect(tensorBox(down, box, { parameterShape: [24, 6] })).toEqual(box);
  });
});
