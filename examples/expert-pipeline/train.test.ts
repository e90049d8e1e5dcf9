import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./train.ts";
import type { ExpertPipelineResult } from "./train.ts";

const PROGRAM = new URL("./train.ts", import.meta.url);

const MODELS = ["gpt", "llama"] as const;

let world: WorldHandle;
const twins = new Map<string, ExpertPipelineResult>();
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
  for (const model of MODELS) {
    const options = { pp: 1, ep: 1, schedule: "none", model };
    const [dense] = await world.run<typeof program>(PROGRAM, options, { ranks: 1 });
    twins.set(model, dense!);
  }
});
afterAll(() => world.close());

function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  return Math.max(...Array.from(actual, (value, i) => Math.abs(value - expected[i]!)));
}

describe("two stages, each with its experts on two ranks,", () => {
  test.each([
    { model: "gpt", schedule: "1f1b" },
    { model: "gpt", schedule: "zb-h1" },
    { model: "llama", schedule: "gpipe" },
  ] as const)("are one rank that accumulates micro-batches: $model, $schedule", async (settings) => {
    const dense = twins.get(settings.model)!;
    const results = await world.run<typeof program>(PROGRAM, { pp: 2, ep: 2, ...settings });
    const names = new Set<string>();
    for (const { losses, norms, weights, loads } of results) {
      // Three steps of Adam carry the rounding of reordered sums into weights of about 0.02 to 1.
      expect(difference(losses, dense.losses)).toBeLessThan(1e-5);
      expect(difference(norms, dense.norms)).toBeLessThan(1e-5);
      for (const [name, weight] of Object.entries(weights)) {
        names.add(name);
        expect(difference(weight, dense.weights[name]!), name).toBeLessThan(1e-5);
      }
      for (const [layer, load] of Object.entries(loads)) expect(load).toEqual(dense.loads[layer]);
    }
    expect([...names].sort()).toEqual(Object.keys(dense.weights).sort());
    // Ranks of a stage know the load of its layer; the layers are one on each stage.
    expect(results.map(({ loads }) => Object.keys(loads))).toEqual(
      ["blocks.1.mlp", "blocks.1.mlp", "blocks.3.mlp", "blocks.3.mlp"].map((layer) => [layer]),
    );
    expect(dense.weights["blocks.3.mlp.expertBias"]!.some((bias) => bias !== 0)).toBe(true);
  });
});
