import { createWorld, type WorldHandle } from "@meshwright/core";
import { verifyParallel, type Comparison, type MeshAxes } from "@meshwright/sharding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TransformerTwinOptions } from "./programs/transformer-twin.ts";

const PROGRAM = new URL("./programs/transformer-twin.ts", import.meta.url);
const MESHES: MeshAxes[] = [{ tp: 2 }, { tp: 3 }, { tp: 4 }, { dp: 2, tp: 2 }];

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
});
afterAll(() => world.close());

function largest(comparisons: readonly Comparison[], pattern: RegExp): number {
  const found = comparisons.filter(({ name }) => pattern.test(name));
  expect(found.length, pattern.source).toBeGreaterThanOrEqual(MESHES.length);
  return Math.max(...found.map(({ difference }) => difference));
}

/**
 * Softmax cancels a key's bias, so its gradient is zero but for rounding; Adam divides that rounding by its own size,
 * and the bias walks at random on every mesh. Its gradient is compared, its value is not.
 */
const WEIGHTS = /^(?!.*attention\.key\.bias$)\w+ weight /;

describe.each([
  { model: "GPT", forms: ["gpt", "gptTied", "gptSequence"] },
  { model: "Llama", forms: ["llama", "llamaSequence", "llamaTied", "llamaReplicatedVocab"] },
] as const)("a $model on tp 2, 3, 4 and dp 2 x tp 2, with and without sequence parallelism", ({ forms }) => {
  test("equals the dense model: initial weights, logits, gradients, losses of 20 steps, weights after 5", async () => {
    const comparisons = await verifyParallel<Omit<TransformerTwinOptions, "mesh">>(PROGRAM, {
      world,
      meshes: MESHES,
      options: { forms },
      tolerance: Infinity,
    });
    expect(largest(comparisons, / hash$/)).toBe(0);
    expect(largest(comparisons, / leaked tensors$/)).toBe(0);
    // Reordered float32 sums of at most a few hundred terms; magnitudes below 1e-3 are compared absolutely.
    expect(largest(comparisons, / logits$/)).toBeLessThan(1e-5);
    expect(largest(comparisons, / gradient of /)).toBeLessThan(1e-5);
    expect(largest(comparisons, WEIGHTS)).toBeLessThan(1e-5);
    expect(largest(comparisons, / losses$/)).toBeLessThan(1e-4);
  });
});
