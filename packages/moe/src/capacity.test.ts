import { describe, expect, test } from "vitest";
import { expertCapacity, expertsPerRank } from "./capacity.ts";

describe("capacity", () => {
  test.each([
    [{ tokens: 10, topK: 2, experts: 8, factor: 1.25 }, 4],
    [{ tokens: 16, topK: 1, experts: 4, factor: 1 }, 4],
    [{ tokens: 17, topK: 1, experts: 4, factor: 1 }, 5],
    [{ tokens: 3, topK: 1, experts: 8, factor: 0.5 }, 1],
    [{ tokens: 3, topK: 1, experts: 8, factor: 0.5, minimum: 6 }, 6],
    [{ tokens: 0, topK: 1, experts: 8, factor: 1 }, 1],
  ])("of %o is %i", (options, expected) => {
    expect(expertCapacity(options)).toBe(expected);
  });

  test.each([
    [
      { tokens: 8, topK: 5, experts: 4, factor: 1 },
      "expertCapacity: topK (5) must be at most numExperts (4); use whole sizes with 1 <= topK <= numExperts.",
    ],
    [
      { tokens: -1, topK: 0, experts: 0, factor: 1 },
      "expertCapacity: numTokens (-1) must be an integer of at least 0; numExperts (0) must be an integer of at least 1; topK (0) must be an integer of at least 1; use whole sizes with 1 <= topK <= numExperts.",
    ],
    [
      { tokens: 8, topK: 2, experts: 4, factor: 0 },
      "expertCapacity: factor (0) must be positive and finite; use 1 for an even share, or no capacity at all to drop nothing.",
    ],
    [
      { tokens: 8, topK: 2, experts: 4, factor: 1, minimum: 0 },
      "expertCapacity: minimum (0) must be an integer of at least 1, because an expert of capacity 0 learns nothing; use 1.",
    ],
  ])("of %o is an error", (options, text) => {
    expect(() => expertCapacity(options)).toThrow(text);
  });

  test("experts divide over ranks, or say what would", () => {
    expect(expertsPerRank(6, 3)).toBe(2);
    expect(() => expertsPerRank(7, 3)).toThrow(
      "expertsPerRank: experts (7) must be a positive multiple of the ranks of the expert axis (3); use 6 experts, or an axis size that divides 7.",
    );
  });
});
