import { expect, test } from "vitest";
import { verifyParallel } from "@meshwright/sharding";

test("tfjs operations and their gradients do not depend on mesh and placements", async () => {
  const comparisons = await verifyParallel(new URL("./programs/operations.ts", import.meta.url), {
    meshes: [{ x: 2 }, { x: 3 }, { x: 2, y: 2 }],
    // exp, softmax and sums of up to 30 terms in another order.
    tolerance: 1e-5,
  });
  expect(comparisons).toHaveLength(3 * 16 * 16 * 3);
});
