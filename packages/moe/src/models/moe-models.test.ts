import { countParameters, GPT, Llama, namedParameters } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { moeLayers } from "../moe-layers.ts";
import { activeParameters, totalParameters } from "./active-parameters.ts";
import { flopsPerToken } from "./flops-per-token.ts";
import { moeGPT } from "./moe-gpt.ts";
import { moeLlama } from "./moe-llama.ts";

const SIZES = { vocabSize: 11, contextLength: 7, features: 6, heads: 3, layers: 4, mlpFeatures: 10 };

describe("moeGPT", () => {
  test("has experts in the blocks that are asked for, and the dense model's names elsewhere", () => {
    const model = moeGPT({ ...SIZES, moe: { numExperts: 5, topK: 2, everyNth: 2, hidden: 8 } });
    expect([...moeLayers(model)].map(([path, { name }]) => [path, name])).toEqual([
      ["blocks.1.mlp", "blocks.1.mlp"],
      ["blocks.3.mlp", "blocks.3.mlp"],
    ]);
    const dense = new GPT(SIZES);
    const shapes = (of: object): Record<string, readonly number[]> =>
      Object.fromEntries([...namedParameters(of)].map(([name, { shape }]) => [name, shape]));
    const isExperts = (name: string): boolean => /^blocks\.[13]\.mlp/.test(name);
    const shared = Object.entries(shapes(dense)).filter(([name]) => !isExperts(name));
    expect(Object.entries(shapes(model)).filter(([name]) => !isExperts(name))).toEqual(shared);
    expect(Object.entries(shapes(model)).filter(([name]) => name.startsWith("blocks.3.mlp"))).toEqual([
      ["blocks.3.mlp.router.gate.weight", [6, 5]],
      ["blocks.3.mlp.experts.up", [5, 6, 8]],
      ["blocks.3.mlp.experts.down", [5, 8, 6]],
    ]);
  });

  test("starts its experts as the dense model's feed-forward modules start", () => {
    const model = moeGPT({ ...SIZES, moe: { numExperts: 5, topK: 2 } });
    const dense = namedParameters(new GPT(SIZES));
    const own = namedParameters(model);
    for (const [field, weight] of [
      ["up", "up.weight"],
      ["down", "down.weight"],
    ]) {
      const { initializer } = own.get(`blocks.1.mlp.experts.${field!}`)!;
      expect(initializer).toEqual(dense.get(`blocks.1.mlp.${weight!}`)!.initializer);
    }
  });
});

test("moeLlama has SwiGLU experts, as wide as the feed-forward modules", () => {
  const model = moeLlama({ ...SIZES, moe: { numExperts: 5, topK: 2, firstDense: 3 } });
  const own = [...namedParameters(model)].filter(([name]) => name.startsWith("blocks.3.mlp"));
  expect(own.map(([name, { shape }]) => [name.slice("blocks.3.mlp.".length), shape])).toEqual([
    ["router.gate.weight", [6, 5]],
    ["experts.up", [5, 6, 10]],
    ["experts.gate", [5, 6, 10]],
    ["experts.down", [5, 10, 6]],
  ]);
  expect([...moeLayers(model).keys()]).toEqual(["blocks.3.mlp"]);
});

describe("active and total", () => {
  const moe = { numExperts: 64, topK: 2, sharedExperts: { hidden: 3 } };

  test("parameters: a token meets all but the experts that it is not sent to", () => {
    const model = moeLlama({ ...SIZES, moe });
    expect(totalParameters(model)).toBe(countParameters(model));
    const oneExpert = 3 * 6 * 10;
    expect(totalParameters(model) - activeParameters(model)).toBe(4 * 62 * oneExpert);
    const dense = new Llama(SIZES);
    expect(activeParameters(dense)).toBe(totalParameters(dense));
  });

  test("operations: 2 of 64 experts save 97% of the experts' work", () => {
    const T = 5;
    const model = moeLlama({ ...SIZES, moe });
    const { active, denseAll, activeExperts, denseAllExperts } = flopsPerToken(model, { sequence: T });
    expect(denseAllExperts).toBe(4 * 64 * 2 * 3 * 6 * 10);
    expect(1 - activeExperts / denseAllExperts).toBe(1 - 2 / 64);
    const attention = 4 * 2 * 6 * 6 + 4 * T * 6;
    const block = attention + 2 * 6 * 64 + 2 * 3 * 6 * 3;
    expect(active - activeExperts).toBe(4 * block + 2 * 6 * 11);
    expect(denseAll - denseAllExperts).toBe(active - activeExperts);
  });

  test("a tied head is a product, positions are not", () => {
    const moeOptions = { numExperts: 4, topK: 1, router: { order: "scoreFirst" } } as const;
    const own = moeGPT({ ...SIZES, moe: moeOptions });
    const tied = moeGPT({ ...SIZES, moe: moeOptions, tiedEmbeddings: true });
    expect(flopsPerToken(tied, { sequence: 7 })).toEqual(flopsPerToken(own, { sequence: 7 }));
    expect(totalParameters(own) - totalParameters(tied)).toBe(6 * 11);
  });

  test("a sequence without positions is refused", () => {
    expect(() => flopsPerToken(moeGPT({ ...SIZES, moe }), { sequence: 0 })).toThrow(
      "flopsPerToken: sequence (0) must be a positive integer; use the positions of a sequence, for example 1024.",
    );
  });
});
