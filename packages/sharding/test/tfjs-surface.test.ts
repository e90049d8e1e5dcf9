import { createWorld, type WorldHandle } from "@meshwright/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type randomDraws from "./programs/random-draws.ts";
import type surface from "./programs/tfjs-surface.ts";
import type { SurfaceFacts } from "./programs/tfjs-surface.ts";

let world: WorldHandle;

beforeAll(async () => {
  world = await createWorld({ ranks: 2, seed: 5, output: () => undefined });
});
afterAll(() => world.close());

describe("draws without a seed", () => {
  test("have the same bits on all ranks, in every run, and no draw repeats", async () => {
    const url = new URL("./programs/random-draws.ts", import.meta.url);
    const [first, second] = await world.run<typeof randomDraws>(url);
    expect(second).toEqual(first);
    expect(first!.split).toEqual(first!.whole);
    const { replicated } = first!;
    expect(replicated["normal again"]).not.toEqual(replicated.normal);
    expect(new Set(Object.values(replicated).map(String)).size).toBe(10);
    expect(new Set(replicated.dropout)).toEqual(new Set([0, 2]));
    expect(await world.run<typeof randomDraws>(url)).toEqual([first, second]);
  });
});

describe("tfjs' API on sharded tensors", () => {
  let ranks: SurfaceFacts[];

  beforeAll(async () => {
    ranks = await world.run<typeof surface>(new URL("./programs/tfjs-surface.ts", import.meta.url));
  });

  test.each<[string, unknown]>([
    ["early", [[1, 2], [2, 6, 4, 8], [1, 3, 2, 4], ["a", "bc"], []]],
    [
      "reading",
      [
        [1, 2, 3, 4, 5, 6],
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        6,
        "Tensor\n    [[1, 2, 3],\n     [4, 5, 6]]",
      ],
    ],
    ["profile", [["Square"], 1, "number"]],
    ["debug mode", [14, 32, 32, 77]],
    ["saving", [1, 2, 3, 4, 5, 6]],
    ["scopes", [true, [1, 4, 9, 16, 25, 36]]],
    ["another backend", [2, 3, 4, 5, 6, 7]],
    [
      "where",
      [
        [0, 2],
        [1, 0],
        [1, 1],
        [1, 2],
      ],
    ],
    [
      "dtypes",
      {
        bool: ["bool", [0, 0, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0], [0], [1, 1, 1]],
        int32: [[21], "int32", [4, 5, 6], [1, 2, 3, 4, 5, 6]],
        cast: [[4], [0, 1, 1, 1, 1, 1]],
        // (1 - i)^2 = -2i, (2 - 2i)^2 = -8i
        complex: ["complex64", [-1, -2, -3, -4, -5, -6], [0, -2, 0, -8]],
        fft: [10, -2, -2, -2],
        string: [["a", "b"], ["c"]],
      },
    ],
    ["no elements", Array(2).fill([[0, 3], [0, 0, 0], [0], [], [0, 2], [1, 1, 1], []])],
  ])("works as on one rank: %s", (name, expected) => {
    for (const { facts } of ranks) expect(facts[name]).toEqual(expected);
  });

  test("leaves nothing behind", () => {
    for (const { leaks } of ranks) expect(leaks).toEqual({});
  });
});
