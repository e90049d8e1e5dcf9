import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch } from "@meshwright/core";
import { expect, test } from "vitest";
import type program from "./programs/hugging-face.ts";

const PROGRAM = new URL("./programs/hugging-face.ts", import.meta.url);
const GOLDEN = new URL("../../core/golden/", import.meta.url);

test("stages of a pipeline load their own parameters, the tied table on both, and have the logits of transformers", async () => {
  const golden = JSON.parse(readFileSync(new URL("hugging-face.json", GOLDEN), "utf8")) as {
    readonly tokens: number[][];
    readonly logits: { readonly gpt2: number[] };
  };
  const folder = fileURLToPath(new URL("hugging-face/gpt2", GOLDEN));
  const ranks = await launch<typeof program>(PROGRAM, {
    ranks: 2,
    options: { folder, tokens: golden.tokens },
  });
  for (const { logits, bytesRead, numValues } of ranks) {
    // Sums of float32 products, in another order.
    expect(Math.max(...logits.map((value, i) => Math.abs(value - golden.logits.gpt2[i]!)))).toBeLessThan(
      1e-5,
    );
    expect(logits.length).toBe(golden.logits.gpt2.length);
    expect(bytesRead).toBe(4 * numValues);
  }
  const [first, last] = ranks.map(({ filled }) => new Set(filled));
  expect(first!.has("blocks.0.mlp.up.weight") && !last!.has("blocks.0.mlp.up.weight")).toBe(true);
  expect(last!.has("finalNorm.weight") && !first!.has("finalNorm.weight")).toBe(true);
  // 15,768 values in all; the table of 37 x 24 is on both.
  expect(ranks.reduce((sum, { numValues }) => sum + numValues, 0)).toBe(15_768 + 37 * 24);
});
