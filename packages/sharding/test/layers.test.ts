import { createWorld, type LedgerTotal, type WorldHandle } from "@meshwright/core";
import { verifyParallel } from "@meshwright/sharding";
import { afterAll, beforeAll, expect, test } from "vitest";
import type layerCommunication from "./programs/layer-communication.ts";

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
});
afterAll(() => world.close());

test("parallel layers have the values and gradients of their dense twins on 2, 3 and 4 ranks", async () => {
  const comparisons = await verifyParallel(new URL("./programs/layers.ts", import.meta.url), {
    world,
    meshes: [{ tp: 2 }, { tp: 3 }, { tp: 4 }],
    // Sums of up to 24 terms in another order.
    tolerance: 2e-6,
  });
  // Per layer: value, input gradient, and a gradient per parameter.
  expect(comparisons).toHaveLength(3 * (7 * 2 + 2 + 2 + 2 + 1 + 8 + 4 + 3));
});

test("parallel layers communicate what they say on 3 ranks, uneven sizes included", async () => {
  const ranks = 3;
  const program = new URL("./programs/layer-communication.ts", import.meta.url);
  const results = await world.run<typeof layerCommunication>(program, undefined, { ranks });
  const reduced = (elements: number, calls = 1): LedgerTotal => ({
    group: "tp",
    collective: "allReduce",
    calls,
    bytesSent: (calls * 2 * 4 * elements * (ranks - 1)) / ranks,
  });
  results.forEach((layers, rank) => {
    // 5 columns are 2, 2, 1 of 4 rows each; the rank sends its own to the two others.
    const columns = [2, 2, 1][rank]!;
    const gather = {
      group: "tp",
      collective: "allGather",
      calls: 1,
      bytesSent: 4 * 4 * columns * (ranks - 1),
    };
    // Without an output bias nothing forces the reduction of the output; the sum of it is never read here.
    expect(layers).toEqual({
      column: { placement: "Shard(1)", forward: [], whole: [reduced(28)] },
      gathered: { placement: "Replicate()", forward: [gather], whole: [gather, reduced(28)] },
      row: { placement: "Replicate()", forward: [reduced(20)], whole: [reduced(20)] },
      rowWithoutBias: { placement: 'Partial("sum")', forward: [], whole: [] },
      attention: { placement: "Replicate()", forward: [reduced(48)], whole: [reduced(48, 2)] },
      gelu: { placement: "Replicate()", forward: [reduced(28)], whole: [reduced(28, 2)] },
      swiglu: { placement: 'Partial("sum")', forward: [], whole: [reduced(28)] },
    });
  });
});
