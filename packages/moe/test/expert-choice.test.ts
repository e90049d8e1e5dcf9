import { verifyParallel } from "@meshwright/sharding";
import { expect, test } from "vitest";

test("expert choice and balance counts do not depend on the mesh", async () => {
  const comparisons = await verifyParallel(new URL("./programs/expert-choice.ts", import.meta.url), {
    // 7 rows: 4 + 3; 2 + 2 + 2 + 1.
    meshes: [{ dp: 2 }, { dp: 4 }],
    tolerance: 1e-5,
  });
  expect(comparisons).toHaveLength(2 * 6);
});
