import { expect, test } from "vitest";
import { weightOf } from "./call-check.ts";

test.each([2, 3, 5, 64])("The weights of %i ranks sum to zero and are odd but for the last", (size) => {
  const weights = Array.from({ length: size }, (_, rank) => weightOf(rank, size));
  expect(weights.reduce((sum, weight) => (sum + weight) | 0, 0)).toBe(0);
  expect(weights.slice(0, -1).every((weight) => weight % 2 !== 0)).toBe(true);
  expect(new Set(weights).size).toBe(size);
});
