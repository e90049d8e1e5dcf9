import { createWorld, type LedgerTotal, type WorldHandle } from "@meshwright/core";
import { verifyParallel, type Comparison, type MeshAxes } from "@meshwright/sharding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type communication from "./programs/context-parallel-communication.ts";
import { BATCH, KEY_VALUE_HEADS, SIZES } from "./programs/context-parallel-model.ts";

const RING = new URL("./programs/ring-attention.ts", import.meta.url);
const MODEL = new URL("./programs/context-parallel-model.ts", import.meta.url);
const COMMUNICATION = new URL("./programs/context-parallel-communication.ts", import.meta.url);
/** Eight ranks on two cores start slowly; a hang limit, not a bound on time. */
const HANG_MS = 300_000;

let world: WorldHandle;
beforeAll(async () => {
  world = await createWorld({ ranks: 4 });
});
afterAll(() => world.close());

describe("ring attention", () => {
  test(
    "has the values and gradients of dense attention, and leaves nothing, in both orders, with shared heads",
    async () => {
      const comparisons = await verifyParallel(RING, {
        world,
        meshes: [{ cp: 2 }, { cp: 3 }, { cp: 4 }, { dp: 2, cp: 2 }, { cp: 2, tp: 2 }],
        // Rows are normalised once at the end instead of at once.
        tolerance: 2e-6,
      });
      const leaks = comparisons.filter(({ name }) => name.endsWith("leak"));
      expect(leaks.map(({ difference }) => difference)).toEqual(new Array(5 * 4).fill(0));
    },
    HANG_MS,
  );
});

// Eight ranks, with dp and tp, are in models-on-meshes.test.ts.
const MESHES: readonly MeshAxes[] = [{ cp: 2 }, { cp: 4 }];

function largest(comparisons: readonly Comparison[], only: (name: string) => boolean): number {
  return Math.max(...comparisons.filter(({ name }) => only(name)).map(({ difference }) => difference));
}

describe.each(["gpt", "llama"] as const)("a %s whose sequence is split", (model) => {
  test(
    "has the gradients of one rank within 1e-5 and its losses within 1e-4 over 20 steps",
    async () => {
      const comparisons = await verifyParallel(MODEL, {
        ...{ world, meshes: MESHES, options: { model, steps: 20 }, tolerance: Infinity },
      });
      expect(largest(comparisons, (name) => name.startsWith("gradient of "))).toBeLessThan(1e-5);
      expect(largest(comparisons, (name) => name === "losses")).toBeLessThan(1e-4);
    },
    HANG_MS,
  );
});

describe.each([2, 4])("a model on cp = %i", (ranks) => {
  test.each([
    ["gpt", SIZES.heads],
    ["llama", KEY_VALUE_HEADS],
  ] as const)("sends keys and values around the ring and nothing else (%s)", async (model, keyHeads) => {
    const options = { mesh: { cp: ranks }, model, steps: 0 };
    const results = await world.run<typeof communication>(COMMUNICATION, options, { ranks });
    // Keys and values of one rank, float32.
    const headFeatures = SIZES.features / SIZES.heads;
    const bytes = (2 * 4 * BATCH * keyHeads * headFeatures * SIZES.contextLength) / ranks;
    const messages = (perLayer: number): LedgerTotal[] => {
      const calls = SIZES.layers * perLayer * (ranks - 1);
      return [
        { group: "cp", collective: "receive", calls, bytesSent: 0 },
        { group: "cp", collective: "send", calls, bytesSent: calls * bytes },
      ];
    };
    // Every other rank receives first.
    const sorted = (totals: readonly LedgerTotal[]): LedgerTotal[] =>
      [...totals].sort((a, b) => a.collective.localeCompare(b.collective));
    for (const { forward, whole } of results) {
      expect(sorted(forward)).toEqual(messages(1));
      // Backward: keys and values again, and their gradients. Those of the parameters stay partial sums.
      expect(sorted(whole)).toEqual(messages(3));
    }
  });
});
