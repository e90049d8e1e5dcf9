import { describe, expect, test } from "vitest";
import { loadColumns } from "./load-cells.ts";

const load = {
  steps: [1, 2, 3, 5, 6],
  counts: [
    [2, 2],
    [4, 0],
    [0, 0],
    [1, 3],
    [3, 3],
  ],
};

describe("columns of a heat map of load", () => {
  test("are the steps where there is room, with loads over the mean", () => {
    expect(loadColumns(load, { maxColumns: 9 })).toEqual([
      { steps: [1, 1], loads: [1, 1] },
      { steps: [2, 2], loads: [2, 0] },
      { steps: [3, 3], loads: [0, 0] },
      { steps: [5, 5], loads: [0.5, 1.5] },
      { steps: [6, 6], loads: [1, 1] },
    ]);
  });

  test("otherwise hold several steps each, every step once, weighted by tokens", () => {
    expect(loadColumns(load, { maxColumns: 2 })).toEqual([
      { steps: [1, 2], loads: [1.5, 0.5] },
      { steps: [3, 6], loads: [0.8, 1.2] },
    ]);
  });
});
