import { expect, test } from "vitest";
import { interleave, median, medianRatio, summarize } from "./statistics.ts";

test("the median is the middle value, or the mean of the two middle ones", () => {
  expect(median([5, 1, 30])).toBe(5);
  expect(median([8, 1, 30, 4])).toBe(6);
  expect(median([])).toBeNaN();
});

test("the ratio is the median of the rounds' ratios, not the ratio of the medians", () => {
  // Round 2 was disturbed for both alike.
  expect(medianRatio([2, 40, 9], [1, 20, 3])).toBe(2);
  expect(median([2, 40, 9]) / median([1, 20, 3])).toBe(3);
});

test("a summary holds median, minimum, upper quartile and count", () => {
  expect(summarize([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, upperQuartile: 3, samples: 4 });
});

test("measurements take turns, and warm-up rounds are dropped", () => {
  const order: string[] = [];
  let count = 0;
  const measure = (name: string) => () => {
    order.push(name);
    return count++;
  };
  const samples = interleave({ a: measure("a"), b: measure("b") }, { rounds: 2, warmUp: 1 });
  expect(order.join("")).toBe("ababab");
  expect(samples).toEqual({ a: [2, 4], b: [3, 5] });
});
