import { expect, test } from "vitest";
import { countsOf } from "./loads.ts";

test("loads add up to all rows, even or in the proportions of a rank-frequency law", () => {
  expect(countsOf("even", 10, 4)).toEqual([4, 2, 2, 2]);
  // 1 : 1/2 : 1/3 of 11 rows is 6 : 3 : 2.
  expect(countsOf("skewed", 11, 3)).toEqual([6, 3, 2]);
  expect(countsOf("skewed", 2, 4)).toEqual([2, 0, 0, 0]);
});
