import { verifyParallel } from "@meshwright/sharding";
import { expect, test } from "vitest";

const PROGRAM = new URL("./programs/dispatch-twin.ts", import.meta.url);

test("tokens that visit experts on 2, 3 and 4 ranks have the values and gradients of every expert on every token", async () => {
  const comparisons = await verifyParallel(PROGRAM, {
    meshes: [{ ep: 2 }, { ep: 3 }, { ep: 4 }],
    // Sums of at most 12 terms in another order.
    tolerance: 2e-6,
  });
  expect(comparisons.map(({ name }) => name)).toHaveLength(3 * 5);
});
