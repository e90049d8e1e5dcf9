import { describe, expect, test } from "vitest";
import { axisTicks } from "./axis.ts";

describe("axisTicks", () => {
  test.each([
    [33, 5, [0, 10, 20, 30]],
    [33, 4, [0, 10, 20, 30]],
    [33, 3, [0, 20]],
    [30, 3, [0, 10, 20, 30]],
    [7, 7, [0, 1, 2, 3, 4, 5, 6, 7]],
    [0.3, 3, [0, 0.1, 0.2, 0.3]],
    [1234, 6, [0, 500, 1000]],
    [0.00021, 4, [0, 0.0001, 0.0002]],
    [0, 4, [0]],
  ])("until %d with at most %d steps", (until, atMost, ticks) => {
    expect(axisTicks(until, atMost)).toEqual(ticks);
  });
});
