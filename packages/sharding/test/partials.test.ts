import { createWorld } from "@meshwright/core";
import { beforeAll, describe, expect, test } from "vitest";
import type partials from "./programs/partials.ts";
import type { PartialFacts } from "./programs/partials.ts";

describe("a partial value", () => {
  let ranks: PartialFacts[];

  beforeAll(async () => {
    const world = await createWorld({ ranks: 4 });
    ranks = await world
      .run<typeof partials>(new URL("./programs/partials.ts", import.meta.url))
      .finally(() => world.close());
  });

  test("is reduced once for all consumers of one tensor", () => {
    for (const { reductions } of ranks) {
      expect(reductions).toEqual({
        "two consumers": 1,
        "read twice": 1,
        linear: 0,
        // One over both axes, for both consumers.
        "two axes": 1,
        // Both asked for the whole value; then a consumer that needs it.
        "asked for": 1,
        "first name": 1,
        // The reshape and the clone are tensors of their own.
        "other names": 2,
        // One for an operand, one to read the product.
        "twice the same": 2,
        "times itself": 1,
        variable: 1,
      });
    }
  });

  test("has the right value under every name", () => {
    for (const { values } of ranks) {
      expect(values).toEqual({
        square: [1, 4, 9, 16],
        minimum: [1, 2, 2.5, 2.5],
        read: [1, 2, 3, 4, 1, 2, 3, 4],
        "two axes": [9, 20],
        "asked for": [1, 2, 3, 4, 1, 2, 3, 4, 1, 4, 9, 16],
        "first name": [1, 4, 9, 16],
        "other names": [1, 4, 9, 16, 1, 2, 3, 4],
        product: [7, 10, 15, 22],
        "times itself": [1, 4, 9, 16],
        sum: [2, 4, 6, 8],
        operands: [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4],
        variable: [1, 4, 9, 16, 1, 2, 3, 4],
        assigned: [120, 4, 8, 12, 16],
      });
    }
  });

  test("changes its placement where it is reduced, and only there", () => {
    for (const { placements } of ranks) {
      expect(placements).toEqual({
        before: 'Replicate(),Partial("sum")',
        after: "Replicate(),Replicate()",
        read: "Replicate(),Replicate()",
        "asked for": "Replicate(),Replicate()",
        // A cut is not the value itself, so it is another tensor.
        "asked to be cut": 'Replicate(),Partial("sum")',
        linear: 'Replicate(),Partial("sum")',
        "other name": 'Replicate(),Partial("sum")',
        product: 'Replicate(),Partial("sum")',
        sum: 'Replicate(),Partial("sum")',
      });
    }
  });

  test("leaves nothing behind", () => {
    for (const { growth } of ranks) {
      expect(growth).toEqual({
        numTensors: 0,
        numDataBuffers: 0,
        numDataIds: 0,
        numEngineDataIds: 0,
        liveBytes: 0,
      });
    }
  });
});
