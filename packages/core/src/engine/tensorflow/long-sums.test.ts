import { expect, test } from "vitest";
import { divisorNear } from "./long-sums.ts";

test.each([
  [500_000, 625],
  [2048, 32],
  [2049, 3],
  [2053, 1],
  [2500, 50],
])("%i rows have %i parts", (rows, parts) => {
  expect(divisorNear(rows)).toBe(parts);
});
