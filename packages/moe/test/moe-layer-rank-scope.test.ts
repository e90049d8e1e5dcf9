import { verifyParallel } from "@meshwright/sharding";
import { expect, test } from "vitest";
import type { RankScopeOptions } from "./programs/moe-layer-rank-scope.ts";

const PROGRAM = new URL("./programs/moe-layer-rank-scope.ts", import.meta.url);
const capacity = { factor: 0.8, scope: "rank" } as const;

test("with a capacity of its own a rank drops what one rank drops of its tokens alone, padded or not", async () => {
  const comparisons = await verifyParallel<RankScopeOptions>(PROGRAM, {
    meshes: [{ ep: 2 }],
    options: {
      ranks: 2,
      cases: {
        plain: { capacity },
        padded: { capacity: { ...capacity, pad: true, renormalize: true } },
        "gathered, by probability": {
          capacity: { ...capacity, drop: "probability" },
          dispatcher: "all-gather",
        },
      },
    },
    // Sums of at most 12 terms in another order.
    tolerance: 2e-6,
  });
  for (const { name, difference } of comparisons) {
    if (/: (dropped|leak)$/.test(name)) expect(difference, name).toBe(0);
  }
  expect(comparisons).toHaveLength(3 * 4);
});
