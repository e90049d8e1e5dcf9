import { createWorld } from "@meshwright/core";
import { verifyParallel } from "@meshwright/sharding";
import { describe, expect, test } from "vitest";
import golden from "../golden/routing.json" with { type: "json" };
import type program from "./programs/routing-cases.ts";
import type { RoutingCase, RoutingCasesOptions } from "./programs/routing-cases.ts";

const PROGRAM = new URL("./programs/routing-cases.ts", import.meta.url);
const LOSSES = ["switch", "accumulated", "sequence", "z", "importance", "weighted"] as const;
/** In micro-batches or at once: one loss. */
const goldenOf = (loss: (typeof LOSSES)[number]) => (loss === "accumulated" ? "switch" : loss);
const CASES = Object.fromEntries(
  Object.entries(golden.cases).map(([name, { options }]) => [name, options as RoutingCase]),
);

describe("routing", () => {
  test("equals PyTorch's experts, weights, losses and gate gradients in every convention", async () => {
    const world = await createWorld({ ranks: 1 });
    try {
      const [values] = await world.run<typeof program>(PROGRAM, { mesh: { dp: 1 }, cases: CASES });
      const near = (key: string, expected: readonly number[]): void => {
        const actual = values![key]!.values;
        expect(actual.length, key).toBe(expected.length);
        // PyTorch computed in float64; ours rounds some tens of operations to float32 (6e-8 each).
        expected.forEach((value, i) => {
          expect(Math.abs(actual[i]! - value), `${key} ${i}`).toBeLessThan(3e-6);
        });
      };
      for (const [name, expected] of Object.entries(golden.cases)) {
        expect(Array.from(values![`${name} experts`]!.values), name).toEqual(expected.experts);
        near(`${name} weights`, expected.weights);
        for (const loss of LOSSES) {
          near(`${name} ${loss} value`, expected[goldenOf(loss)].value);
          near(`${name} ${loss} gradient`, expected[goldenOf(loss)].gradient);
        }
      }
    } finally {
      await world.close();
    }
  });

  test("does not depend on the mesh: values, losses and gate gradients", async () => {
    const cases = {
      ...CASES,
      jittered: { topK: 2, jitter: 0.25 },
      noisy: { topK: 2, noise: true },
      forced: { topK: 3, forceBalance: true },
    };
    const comparisons = await verifyParallel<Omit<RoutingCasesOptions, "mesh">>(PROGRAM, {
      // 10 rows: 5 + 5; 4 + 4 + 2; 2 on five ranks and none on the sixth.
      meshes: [{ dp: 2 }, { dp: 3 }, { dp: 6 }],
      options: { cases },
      // Sums over tokens in another order.
      tolerance: 1e-5,
    });
    expect(comparisons).toHaveLength(3 * Object.keys(cases).length * (2 + 2 * LOSSES.length));
  });
});
