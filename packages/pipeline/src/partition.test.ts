import { ContractError, Linear, type Module } from "@meshwright/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { balance, parameterCosts } from "./balance.ts";
import { partition } from "./partition.ts";
import { moduleLayer } from "./stage.ts";

function sums(costs: readonly number[], sizes: readonly number[]): number[] {
  let end = 0;
  return sizes.map((size) => costs.slice(end, (end += size)).reduce((a, b) => a + b, 0));
}

/** All ways to cut `n` layers into `s` stages of at least one. */
function allSplits(n: number, s: number): number[][] {
  if (s === 1) return [[n]];
  return Array.from({ length: n - s + 1 }, (_, i) => i + 1).flatMap((first) =>
    allSplits(n - first, s - 1).map((rest) => [first, ...rest]),
  );
}

describe("balance", () => {
  test("makes the largest stage as small as possible, then the rest even, then the first stages longer", () => {
    expect(balance([1, 1, 1, 1, 1], 3)).toEqual([2, 2, 1]);
    expect(balance([3, 1, 1, 1, 4], 3)).toEqual([1, 3, 1]);
    // The largest stage is 9 in any case; the other two share 1 1 1 1 evenly.
    expect(balance([1, 1, 1, 1, 9], 3)).toEqual([2, 2, 1]);
    expect(balance([0, 0, 0], 3)).toEqual([1, 1, 1]);
  });

  test("finds what trying all splits finds", () => {
    const costs = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 });
    const sized = costs.chain((list) =>
      fc.tuple(fc.constant(list), fc.integer({ min: 1, max: list.length })),
    );
    fc.assert(
      fc.property(sized, ([list, numStages]) => {
        const sizes = balance(list, numStages);
        const value = (split: readonly number[]): number[] => {
          const stages = sums(list, split);
          return [Math.max(...stages), stages.reduce((total, cost) => total + cost * cost, 0)];
        };
        const best = allSplits(list.length, numStages)
          .map(value)
          .reduce((a, b) => (a[0]! < b[0]! || (a[0] === b[0] && a[1]! <= b[1]!) ? a : b));
        expect(sizes.reduce((a, b) => a + b, 0)).toBe(list.length);
        expect(Math.min(...sizes)).toBeGreaterThan(0);
        expect(value(sizes)).toEqual(best);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  test("refuses costs that are none, and more stages than costs", () => {
    expect(() => balance([1, -2], 1)).toThrow(
      new ContractError(
        "balance: costs[1] (-2) must be a finite number of at least 0; use 0 for a layer that costs nothing.",
      ),
    );
    expect(() => balance([1], 2)).toThrow(
      new ContractError(
        "balance: numStages (2) must be an integer from 1 to the number of costs (1); use fewer stages.",
      ),
    );
  });
});

describe("partition", () => {
  test("keeps the order of the layers", () => {
    expect(partition(["a", "b", "c", "d", "e"], { numStages: 2, costs: [1, 1, 1, 1, 6] })).toEqual([
      ["a", "b", "c", "d"],
      ["e"],
    ]);
    expect(partition(["a", "b", "c"], { numStages: 2 })).toEqual([["a", "b"], ["c"]]);
  });

  test("refuses more stages than layers, and another number of costs", () => {
    expect(() => partition(["a", "b"], { numStages: 3 })).toThrow(
      new ContractError(
        "partition: numStages (3) must be at most the number of layers (2); use fewer ranks or chunks per rank, or cut the model into more layers.",
      ),
    );
    expect(() => partition(["a", "b"], { numStages: 1, costs: [1] })).toThrow(
      new ContractError(
        "partition: costs (1 values) must have one per layer (2); use parameterCosts(layers) or measureLayerTimes(layers, ...).",
      ),
    );
    expect(() => partition(["a", "b"], { numStages: 0 })).toThrow(
      new ContractError(
        "partition: numStages (0) must be a positive integer; use ranks times chunks per rank.",
      ),
    );
  });
});

test("parameterCosts counts what a layer holds", () => {
  const plain: Module = { apply: (x) => x };
  const linear = new Linear({ inFeatures: 3, outFeatures: 5 });
  expect(parameterCosts([moduleLayer("a", linear), moduleLayer("b", plain)])).toEqual([20, 0]);
});
