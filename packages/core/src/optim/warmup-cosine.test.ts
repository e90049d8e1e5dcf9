import { expect, test } from "vitest";
import { ContractError } from "../errors.ts";
import { warmupCosine } from "./warmup-cosine.ts";

test("climbs linearly to the peak, then falls along half a cosine to the floor and stays", () => {
  const rate = warmupCosine({ peak: 8, warmupSteps: 4, totalSteps: 12, floor: 2 });
  expect([0, 1, 3, 4].map(rate)).toEqual([2, 4, 8, 8]);
  expect(rate(8)).toBeCloseTo(5, 12);
  expect(rate(6)).toBeCloseTo(2 + 3 * (1 + Math.SQRT1_2), 12);
  expect([12, 13, 1000].map(rate)).toEqual([2, 2, 2]);
});

test("needs no warm-up", () => {
  expect(warmupCosine({ peak: 1, warmupSteps: 0, totalSteps: 2 })(0)).toBe(1);
});

test.each([
  [
    { peak: 1, warmupSteps: 5, totalSteps: 5 },
    "warmupSteps (5) and totalSteps (5) must be whole numbers with 0 <= warmupSteps < totalSteps; use a shorter warm-up.",
  ],
  [
    { peak: 1, warmupSteps: 0.5, totalSteps: 5 },
    "warmupSteps (0.5) and totalSteps (5) must be whole numbers with 0 <= warmupSteps < totalSteps; use a shorter warm-up.",
  ],
  [
    { peak: 1, warmupSteps: 1, totalSteps: 5, floor: 2 },
    "floor (2) and peak (1) must satisfy 0 <= floor <= peak; use a smaller floor.",
  ],
])("refuses %o", (options, text) => {
  expect(() => warmupCosine(options)).toThrow(new ContractError(`warmupCosine: ${text}`));
});
