import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyParallel, type Comparison, type MeshAxes } from "@meshwright/sharding";
import type { DataParallelTwinOptions, Variant } from "./programs/data-parallel-twin.ts";

const PROGRAM = new URL("./programs/data-parallel-twin.ts", import.meta.url);
// The batch of 5 rows divides by none of them, and most dims do not by 3.
const MESHES: MeshAxes[] = [{ dp: 2 }, { dp: 3 }, { dp: 2, tp: 2 }];
const VALUES_PER_VARIANT = 37 + 2;

/**
 * Softmax cancels a key's bias, so its gradient is zero but for rounding; Adam divides that rounding by its own size,
 * and the bias walks at random on every mesh.
 */
const isDetermined = ({ name }: Comparison): boolean => !name.endsWith("attention.key.bias");

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
});
afterAll(() => world.close());

async function largestDifferences(
  variants: readonly Variant[],
  options: Omit<DataParallelTwinOptions, "mesh" | "variants">,
): Promise<Readonly<Record<string, number>>> {
  const comparisons = await verifyParallel<Omit<DataParallelTwinOptions, "mesh">>(PROGRAM, {
    world,
    meshes: MESHES,
    options: { variants, ...options },
    tolerance: Infinity,
    magnitudeFloor: 1,
  });
  expect(comparisons).toHaveLength(MESHES.length * variants.length * VALUES_PER_VARIANT);
  const largest: Record<string, number> = {};
  for (const comparison of comparisons.filter(isDetermined)) {
    const key = `${JSON.stringify(comparison.mesh)} ${comparison.name.split("} ")[0]!}}`;
    largest[key] = Math.max(largest[key] ?? 0, comparison.difference);
  }
  return largest;
}

function expectAllBelow(largest: Readonly<Record<string, number>>, bound: number): void {
  expect(Object.entries(largest).filter(([, difference]) => !(difference < bound))).toEqual([]);
}

describe("losses, norms and weights of a GPT are those of one rank", () => {
  test("after 6 AdamW steps, at every ZeRO stage, filled before or after it was placed", async () => {
    const variants: Variant[] = [
      { stage: 0 },
      { stage: 1, initializeFirst: true },
      { stage: 2 },
      { stage: 3 },
      { stage: 3, initializeFirst: true, recompute: true, bucketBytes: 1 },
    ];
    expectAllBelow(await largestDifferences(variants, { steps: 6, optimizer: "AdamW" }), 1e-5);
  });

  test("after 5 SGD steps with momentum, at every ZeRO stage, with and without accumulation", async () => {
    const variants: Variant[] = [
      { stage: 0, microBatches: [2, 3] },
      { stage: 1, microBatches: [1, 3, 1], tpFirst: true },
      { stage: 2, microBatches: [4, 1] },
      { stage: 3, microBatches: [2, 3], tpFirst: true },
    ];
    const largest = await largestDifferences(variants, { steps: 5, optimizer: "SGD" });
    expectAllBelow(largest, 1e-5);
  });
});
