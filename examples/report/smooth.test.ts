import { describe, expect, test } from "vitest";
import { halfWidthFor, smooth } from "./smooth.ts";

describe("smooth", () => {
  test("each value is the mean of a symmetric window that shrinks at the ends", () => {
    expect(smooth([1, 5, 3, 10, 6, 2], { halfWidth: 2 })).toEqual([1, 3, 5, 26 / 5, 6, 2]);
  });

  test("a steady slope comes out unchanged", () => {
    const slope = Array.from({ length: 9 }, (_, index) => 4 - index / 4);
    expect(smooth(slope, { halfWidth: 3 })).toEqual(slope);
  });

  test("values that are not finite are left out of the mean", () => {
    expect(smooth([2, Number.NaN, 4, Infinity], { halfWidth: 1 })).toEqual([2, 3, 4, Number.NaN]);
  });

  test("the window grows with the curve up to 51 values", () => {
    expect([1, 30, 240, 100_000].map(halfWidthFor)).toEqual([0, 1, 6, 25]);
  });
});
