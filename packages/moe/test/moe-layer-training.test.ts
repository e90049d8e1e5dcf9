import { createWorld } from "@meshwright/core";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type program from "./programs/moe-layer-training.ts";

const PROGRAM = new URL("./programs/moe-layer-training.ts", import.meta.url);

test("a layer trained with ZeRO goes on from a checkpoint on another mesh, its bias included", async () => {
  const folder = await mkdtemp(join(tmpdir(), "meshwright-moe-"));
  const world = await createWorld({ ranks: 4, checked: true });
  try {
    const common = { stage: 2, folder } as const;
    const saved = await world.run<typeof program>(PROGRAM, {
      ...{ ...common, axes: { dp: 2, ep: 2 }, isResumed: false },
    });
    const loaded = await world.run<typeof program>(PROGRAM, {
      ...{ folder, stage: 0, axes: { dp: 1, ep: 4 }, isResumed: true },
    });
    const expected = saved[0]!;
    expect(Object.keys(expected)).toEqual([
      ...["layer.router.gate.weight", "layer.experts.up", "layer.experts.down", "layer.expertBias", "leaked"],
    ]);
    // Three steps of 0.05 up or down; 22 choices of 4 experts have no mean that is a whole number.
    for (const value of expected["layer.expertBias"]!.values) {
      expect(
        [0.15, 0.05, -0.05, -0.15].some((bias) => Math.abs(bias - value) < 1e-6),
        String(value),
      ).toBe(true);
    }
    for (const rank of [...saved, ...loaded]) {
      for (const [name, { values }] of Object.entries(expected)) {
        const largest = values.reduce(
          (most, value, i) => Math.max(most, Math.abs(value - rank[name]!.values[i]!)),
          0,
        );
        // Sums of 11 tokens in another order; three steps of AdamW.
        expect(largest, name).toBeLessThan(name === "leaked" || name === "layer.expertBias" ? 1e-9 : 1e-5);
      }
      expect(rank.leaked!.values[0]).toBe(0);
    }
  } finally {
    await world.close();
    await rm(folder, { recursive: true });
  }
});
