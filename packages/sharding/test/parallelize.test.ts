import { createWorld, type WorldHandle } from "@meshwright/core";
import { verifyParallel } from "@meshwright/sharding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./programs/parallelize-communication.ts";
import type { PlanTwinOptions } from "./programs/parallelize-twin.ts";

const TWIN = new URL("./programs/parallelize-twin.ts", import.meta.url);
const COMMUNICATION = new URL("./programs/parallelize-communication.ts", import.meta.url);
const MESHES = [{ tp: 2 }, { tp: 3 }, { dp: 2, tp: 2 }];

/** Softmax cancels a key's bias: its gradient is zero but for rounding. */
const isKeyBias = (name: string): boolean => name.endsWith("attention.key.bias");

/** Key and value heads are 2, so the ranks of tp are 2 at most. */
const LLAMA_MESHES = [{ tp: 2 }, { dp: 2, tp: 2 }];

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
});
afterAll(() => world.close());

test("parallelize with llamaPlan trains as the dense twin", async () => {
  const comparisons = await verifyParallel<Omit<PlanTwinOptions, "mesh">>(TWIN, {
    world,
    meshes: LLAMA_MESHES,
    options: { kind: "llama", isInitialized: false, isWide: false },
    // Reordered float32 sums; losses after 3 steps of Adam.
    tolerance: 1e-5,
  });
  // Gradients of 9 weights per block, of embedding, final norm and head; and the losses.
  expect(comparisons).toHaveLength(LLAMA_MESHES.length * (2 * 9 + 3 + 1));
});

describe("parallelize on a dense GPT", () => {
  test.each<[string, Omit<PlanTwinOptions, "mesh">]>([
    ["before it has values", { kind: "gpt", isInitialized: false, isWide: false }],
    ["after it has values", { kind: "gpt", isInitialized: true, isWide: false }],
    ["with positions and activations split too", { kind: "gpt", isInitialized: false, isWide: true }],
  ])("trains as its dense twin, split %s", async (_, options) => {
    const comparisons = await verifyParallel<Omit<PlanTwinOptions, "mesh">>(TWIN, {
      world,
      meshes: MESHES,
      options,
      tolerance: Infinity,
    });
    expect(comparisons).toHaveLength(MESHES.length * (37 + 1));
    for (const { name, mesh, difference } of comparisons) {
      // Reordered float32 sums; losses after 3 steps of Adam.
      if (!isKeyBias(name)) expect(difference, `${name} on ${JSON.stringify(mesh)}`).toBeLessThan(1e-5);
    }
  });

  test.each([
    [2, false],
    [3, true],
  ])(
    "communicates and holds what parallelGPT and parallelLlama do, on tp = %i, vocabParallel: %o",
    async (tp, vocabParallel) => {
      const ranks = await world.run<typeof program>(
        COMMUNICATION,
        { mesh: { tp }, vocabParallel },
        { ranks: tp },
      );
      const bytes = 2 * 5 * 12 * 4; // [B T, D] float32
      const sent = (2 * bytes * (tp - 1)) / tp;
      const layers = 3;
      const extra = vocabParallel ? 4 : 0;
      const loss = vocabParallel ? (2 * 3 * 2 * 5 * 4 * (tp - 1)) / tp : 0;
      for (const { planned, layered, llama, predictedBytes, moved, activations } of ranks) {
        expect(planned).toEqual(layered);
        expect(llama.planned).toEqual(llama.layered);
        expect(llama.planned.totals).toMatchObject([
          { group: "tp", collective: "allReduce", calls: 4 * layers + extra },
        ]);
        // The first block's input is an embedding, which has a gradient too: 2 + 2 per block. The vocabulary adds one for the
        // embedding, one for the head's input, and the loss's of [B T] and of [2, B T].
        const [total, ...others] = planned.totals;
        expect(others).toEqual([]);
        expect(total).toMatchObject({ group: "tp", collective: "allReduce", calls: 4 * layers + extra });
        expect(total!.bytesSent).toBeCloseTo((4 * layers + extra / 2) * sent + loss, 6);
        expect(predictedBytes).toBe(planned.bytes);
        // One all-gather per split parameter: six weights and four biases of a block, embedding and head.
        expect(moved.totals).toMatchObject([
          { group: "tp", collective: "allGather", calls: 10 * layers + extra / 2 },
        ]);
        expect(moved.tensors).toBe(0);
        expect(moved.hash).toBe(planned.hash);
        const [split, replaced, without] = activations;
        // A row-split input of the head gives summands of the logits [B T, V]; only the plan reduces them.
        const logits = (2 * 2 * 5 * 13 * 4 * (tp - 1)) / tp;
        expect(split).toMatchObject([{ group: "tp", collective: "allReduce", calls: 1 }]);
        expect(split![0]!.bytesSent).toBeCloseTo(logits, 6);
        expect(replaced).toEqual([]);
        expect(without).toEqual([]);
      }
      // 864 = 3 x [12, 12] / tp x 4 bytes for tp = 2.
      const lines = ranks[0]!.table.split("\n").map((line) => line.replaceAll(/ {2,}/g, " | "));
      expect(lines[0]).toBe(`53 parameters on { tp: ${tp} }`);
      expect(lines).toContain(
        `blocks.*.attention.out.weight x3 | [12, 12] | tp Shard(0) | ${(3 * 144 * 4) / tp}`,
      );
      expect(lines).toContain(
        `head.weight | [12, 13] | ${vocabParallel ? "tp Shard(1) | 144..240" : "replicated | 624"}`,
      );
      expect(lines).toHaveLength(2 + 1 + 21 + 1 + 1);
    },
  );
});
