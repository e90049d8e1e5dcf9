import { createWorld, type WorldHandle } from "@meshwright/core";
import { verifyParallel, type MeshAxes } from "@meshwright/sharding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelCase, ModelTwinOptions } from "./programs/model-twin.ts";

const PROGRAM = new URL("./programs/model-twin.ts", import.meta.url);
const MESHES: MeshAxes[] = [{ ep: 2 }, { ep: 4 }, { dp: 2, ep: 2 }, { ep: 2, tp: 2 }];

const CASES: Readonly<Record<string, ModelCase>> = {
  dropless: {
    model: "gpt",
    moe: { numExperts: 4, topK: 2, everyNth: 2, balance: { loss: 0.1, zLoss: 0.01 } },
    stage: 0,
  },
  capacity: {
    model: "gpt",
    moe: { numExperts: 8, topK: 1, router: { order: "scoreFirst" }, capacity: { factor: 1 } },
    stage: 2,
  },
  deepseek: {
    model: "llama",
    moe: {
      ...{ numExperts: 8, topK: 3, hidden: 6, firstDense: 1, sharedExperts: { hidden: 8 } },
      router: { scoreFunction: "sigmoid", scalingFactor: 2, groups: { count: 4, perToken: 2 } },
      balance: { biasRate: 0.01, sequenceLoss: 0.1 },
    },
    stage: 0,
    sequenceParallel: true,
  },
};

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
});
afterAll(() => world.close());

describe("models with experts", () => {
  test("have losses, norms, loads and weights of one rank after 3 steps on every mesh", async () => {
    const comparisons = await verifyParallel<Omit<ModelTwinOptions, "mesh">>(PROGRAM, {
      ...{ world, meshes: MESHES, options: { cases: CASES } },
      // Three steps of Adam carry the rounding of reordered sums into weights of about 0.02 to 1.
      ...{ tolerance: 1e-5, magnitudeFloor: 1 },
    });
    const names = new Set(comparisons.map(({ name }) => name));
    expect(comparisons).toHaveLength(MESHES.length * names.size);
    expect(names).toContain("dropless blocks.0.mlp.up.weight");
    expect(names).toContain("dropless blocks.1.mlp.experts.up");
    expect(names).toContain("deepseek blocks.1.mlp.expertBias");
    const loads = comparisons.filter(({ name }) => name.endsWith(": load"));
    expect(loads.map(({ difference }) => difference)).toEqual(loads.map(() => 0));
  });
});
