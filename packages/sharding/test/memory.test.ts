import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type lifetimes from "./programs/lifetimes.ts";
import type { Lifetimes } from "./programs/lifetimes.ts";
import type trainMemory from "./programs/train-memory.ts";
import type { TrainMemory } from "./programs/train-memory.ts";

const LIFETIMES = new URL("./programs/lifetimes.ts", import.meta.url);
const TRAIN = new URL("./programs/train-memory.ts", import.meta.url);
const NOTHING = { numTensors: 0, numDataBuffers: 0, numDataIds: 0, numEngineDataIds: 0, liveBytes: 0 };

let world: WorldHandle;

beforeAll(async () => {
  // Its memory can be counted to the byte; TensorFlow keeps what it frees.
  world = await createWorld({ ranks: 4, engine: "wasm" });
});
afterAll(() => world.close());

describe("200 training steps on 2 ranks", () => {
  test.each([{ tp: 2 }, { dp: 2 }])("of %o leave nothing behind", async (mesh) => {
    const ranks = await world.run<typeof trainMemory>(TRAIN, { mesh, steps: 200 }, { ranks: 2 });
    for (const { warm, end, losses } of ranks) {
      expect(end).toEqual(warm);
      expect(losses).toHaveLength(200);
      expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
    }
    for (const { numTensors } of world.lastRun!) {
      expect(numTensors.left - numTensors.before).toBe(0);
      expect(numTensors.after).toBe(numTensors.before);
    }
  });
});

describe("bytes per rank", () => {
  const runOn = (tp: number): Promise<TrainMemory[]> =>
    world.run<typeof trainMemory>(TRAIN, { mesh: { tp }, steps: 6 }, { ranks: tp });

  test("of split parameters and their moments are a rank's part, of the others all", async () => {
    const [dense] = await runOn(1);
    const halves = await runOn(2);
    const quarters = await runOn(4);
    // Attention 3 (D D + D) + D D, MLP (D F + F) + F D; D = 12, F = 20.
    const block = 4 * (3 * (144 + 12) + 144 + (240 + 20) + 240);
    // Embedding V D and head D V: ceil(V / tp) of the V = 11 tokens, the last rank what is left.
    const vocabulary = (tp: number, rank: number): number => {
      const most = Math.ceil(11 / tp);
      return 4 * 2 * 12 * Math.min(most, 11 - rank * most);
    };
    // Positions 5 D, norms 3 (2 D), output biases 2 D.
    const replicated = 4 * (5 * 12 + 6 * 12 + 2 * 12);
    const whole = block + vocabulary(1, 0);
    expect(dense!.split).toEqual({ parameters: whole, moments: 2 * whole });
    for (const [tp, ranks] of [[2, halves] as const, [4, quarters] as const]) {
      expect(ranks).toHaveLength(tp);
      ranks.forEach((bytes, rank) => {
        const split = block / tp + vocabulary(tp, rank);
        expect(bytes.split).toEqual({ parameters: split, moments: 2 * split });
        expect(bytes.replicated).toEqual({ parameters: replicated, moments: 2 * replicated });
        // All that lives: parameters, moments, and the tokens (int32[6, 5]).
        expect(bytes.end.liveBytes).toBe(3 * (split + replicated) + 4 * 30);
      });
    }
  });
});

describe("a sharded tensor", () => {
  let ranks: Lifetimes[];

  beforeAll(async () => {
    ranks = await world.run<typeof lifetimes>(LIFETIMES, undefined, { ranks: 2 });
  });

  test.each(["tidy", "keep", "sharing", "variable", "disposed twice", "lists", "failed kernel"])(
    "leaves nothing behind: %s",
    (name) => {
      for (const { growths } of ranks) expect(growths[name]).toEqual(NOTHING);
    },
  );

  test.each([
    ["tidy", { values: [1, 2, 3, 4, 49, 484] }],
    ["keep", { values: [1, 4, 9, 16] }],
    // Two float32 per rank, held once by the tensor, its clone and its reshape.
    ["sharing", { bytes: [8, 8], values: [5, 6, 7, 8] }],
    ["variable", { bytes: [8], values: [10, 11, 12, 13] }],
    ["disposed twice", { values: [1, 2, 3, 4] }],
    ["lists", { split: [3, 4, 5, 6], unstack: [9] }],
    ["failed kernel", { failures: [1], values: [1, 1, 1, 1, 1, 1] }],
  ])("has the values of a dense one: %s", (name, facts) => {
    for (const rank of ranks) expect(rank.facts[name]).toEqual(facts);
  });

  test("may come from before the mesh, shared with views and variables", () => {
    for (const { facts, growths } of ranks) {
      expect(facts.adoption).toEqual({
        sum: [1, 3, 5, 7],
        placements: [0],
        variable: [7, 8],
        view: [1, 2, 3, 4],
        viewAlone: [1, 2, 3, 4],
      });
      // Nothing else lives on this rank.
      expect(growths.adoption).toMatchObject({
        numTensors: 0,
        numDataBuffers: 0,
        liveBytes: 0,
        numDataIds: 0,
      });
    }
  });
});
