import { createWorld, type WorldHandle } from "@meshwright/core";
import { verifyParallel } from "@meshwright/sharding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type facts from "./programs/layers-model-facts.ts";
import type { LayersModelOptions } from "./programs/layers-model.ts";

const PROGRAM = new URL("./programs/layers-model.ts", import.meta.url);
const FACTS = new URL("./programs/layers-model-facts.ts", import.meta.url);
const MESHES = [{ dp: 2 }, { tp: 3 }, { dp: 2, tp: 2 }];

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
});
afterAll(() => world.close());

describe("parallelizeLayers on an unmodified tf.layers model", () => {
  test.each<Omit<LayersModelOptions, "mesh">>([
    { loop: "minimize", optimizer: "adam", isBucketed: true, hasNorm: false },
    { loop: "variableGrads", optimizer: "rmsprop", isBucketed: false, hasNorm: false },
    { loop: "fit", optimizer: "momentum", isBucketed: true, hasNorm: false },
    { loop: "fit", optimizer: "momentum", isBucketed: false, hasNorm: true },
    { loop: "variableGrads", optimizer: "momentum", isBucketed: true, hasNorm: true },
  ])("$loop with $optimizer, batch norm: $hasNorm, agrees with one rank", async (options) => {
    const comparisons = await verifyParallel(PROGRAM, {
      world,
      meshes: MESHES,
      options,
      // Reordered float32 sums, and what an adaptive optimizer makes of small gradients in 4 to 12 steps.
      tolerance: 1e-4,
      magnitudeFloor: 0.1,
    });
    expect(comparisons).toHaveLength(MESHES.length * ((options.hasNorm ? 12 : 8) + 3));
  });

  test("weights and slots stay where they were placed; a step communicates the least it can", async () => {
    const ranks = await world.run<typeof facts>(FACTS, { mesh: { dp: 2, tp: 2 } });
    const slots = Object.fromEntries(
      Object.entries(WEIGHTS).flatMap(([name, text]) => ["m", "v"].map((slot) => [`${name}/${slot}`, text])),
    );
    // Of 5 images per rank along dp: conv2's output [5, 2, 2, 5] and dense2's [5, 4] forward, dense1's input [5, 5] backward.
    const forTp = { group: "tp", collective: "allReduce", calls: 3, bytesSent: 4 * (100 + 20 + 25) };
    ranks.forEach(({ weights, slots: moments, singly, bucketed, growth, replicated, rows }, rank) => {
      // All gradients of the rank's part, 556 or 516 bytes of 1036, and the loss.
      const gradients = rank % 2 === 0 ? 556 : 516;
      expect(weights).toEqual(WEIGHTS);
      expect(moments).toEqual(slots);
      expect(singly).toEqual([
        forTp,
        { group: "dp", collective: "allReduce", calls: 2 * 8 + 1, bytesSent: 2 * gradients + 4 },
      ]);
      expect(bucketed).toEqual([
        forTp,
        { group: "dp", collective: "allReduce", calls: 2, bytesSent: gradients + 4 },
      ]);
      expect(growth).toEqual([0, 0]);
      expect(replicated).toEqual([]);
      // [5, 3] once, by whoever reads it: neither inputs nor weights are gathered for the sake of the bias.
      expect(rows.totals).toEqual([{ group: "tp", collective: "allReduce", calls: 1, bytesSent: 4 * 15 }]);
      expect(rows.difference).toBeLessThan(1e-5);
    });
    const lines = ranks[0]!.table.split("\n").map((line) => line.replaceAll(/ {2,}/g, " | "));
    expect(lines).toContain("conv1.kernel | [3, 3, 1, 6] | tp Shard(3) | 108");
    expect(lines).toContain("total | 516..556 of 1036");
    expect(ranks[0]!.refusals).toEqual(REFUSALS);
  });
});

const WEIGHTS = {
  "conv1/kernel": "Replicate() Shard(3)",
  "conv1/bias": "Replicate() Shard(0)",
  "conv2/kernel": "Replicate() Shard(2)",
  "conv2/bias": "Replicate() Replicate()",
  "dense1/kernel": "Replicate() Shard(1)",
  "dense1/bias": "Replicate() Shard(0)",
  "dense2/kernel": "Replicate() Shard(0)",
  "dense2/bias": "Replicate() Replicate()",
};

const REFUSALS = [
  [
    "parallelizeLayers: plan (3 problems) must place every parameter once, on axes and dims that exist:",
    '- pattern "conv3.kernel" must match a parameter (it matches none); use "conv1", "conv2", "dense1", "dense2" in place of "conv3".',
    '- parameters "conv1.kernel", "conv2.kernel", "conv2.bias", "dense1.kernel", "dense1.bias" and 2 more must be named by a pattern (no pattern matches); use an entry, or "**": Replicate() for all that no other pattern names.',
    '- pattern "conv1.bias": tp (Shard(1)) must name a dim of conv1.bias (shape [6]); use a dim from -1 to 0.',
  ].join("\n"),
  'parallelizeLayers: model "unbuilt" (0 weights) must be built; give its first layer an inputShape, or call model.build.',
  [
    "parallelizeLayers: plan (1 problem) must place every parameter once, on axes and dims that exist:",
    '- module "conv1" must have a size "strides" (object); use a field that holds a number.',
  ].join("\n"),
];
