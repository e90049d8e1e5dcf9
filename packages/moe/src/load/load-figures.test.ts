import { describe, expect, test } from "vitest";
import { deadExperts, loadEntropy, loadImbalance, sumCounts } from "./load-figures.ts";

describe("figures of a load", () => {
  test.each([
    ["equal", [5, 5, 5], 1, 1],
    ["one takes everything", [0, 12, 0, 0], 4, 0],
    ["half of the experts take everything", [4, 4, 0, 0], 2, 0.5],
    ["a single expert", [7], 1, 1],
    ["nothing to do", [0, 0], 1, 1],
  ])("of experts that are %s", (_, counts, imbalance, entropy) => {
    expect(loadImbalance(counts)).toBe(imbalance);
    expect(loadEntropy(counts)).toBeCloseTo(entropy, 12);
  });

  test("are those of the formulas for shares 1/2, 1/4, 1/4", () => {
    const counts = Int32Array.of(6, 3, 3);
    expect(loadImbalance(counts)).toBe(1.5);
    // 1/2 ln 2 + 2 (1/4 ln 4) = 3/2 ln 2
    expect(loadEntropy(counts)).toBeCloseTo((1.5 * Math.log(2)) / Math.log(3), 12);
  });

  test("do not depend on the number of tokens or the order of experts", () => {
    expect(loadImbalance([3, 9, 6])).toBe(loadImbalance([20, 10, 30]));
    expect(loadEntropy([3, 9, 6])).toBeCloseTo(loadEntropy([20, 10, 30]), 12);
  });

  test("name dead experts, and add steps up", () => {
    expect(deadExperts([0, 3, 0, 1])).toEqual([0, 2]);
    expect(sumCounts([Int32Array.of(1, 2, 3), [10, 0, 5]])).toEqual([11, 2, 8]);
    expect(sumCounts([])).toEqual([]);
  });
});
