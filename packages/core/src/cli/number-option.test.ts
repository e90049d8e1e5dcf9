import { InvalidArgumentError } from "commander";
import { describe, expect, test } from "vitest";
import { nonNegative, nonNegativeInteger, positiveInteger, threeNonNegatives } from "./number-option.ts";

describe("numbers on the command line", () => {
  test("are read", () => {
    expect(positiveInteger("12")).toBe(12);
    expect(nonNegativeInteger("0")).toBe(0);
    expect(nonNegative("0")).toBe(0);
    expect(nonNegative("2.5")).toBe(2.5);
    expect(threeNonNegatives("1,0,2.5")).toEqual([1, 0, 2.5]);
  });

  test.each([
    [positiveInteger, ["0", "-1", "1.5", "", "x", "1e300"], "It must be a positive integer; use 1 or more."],
    [nonNegativeInteger, ["-1", "0.5", "", "x"], "It must be an integer of at least 0; use 0 or more."],
    [
      nonNegative,
      ["-1", "", " ", "x", "Infinity", "NaN"],
      "It must be a number of at least 0; use 0 or more.",
    ],
    [
      threeNonNegatives,
      ["1,1", "1,1,1,1", "1,,1", "1,1,-1", "1;1;1", "1,1,Infinity"],
      "It must be three numbers of at least 0; use 1,1,1.",
    ],
  ])("are refused by %o", (parse, texts, message) => {
    for (const text of texts) {
      expect(() => parse(text), text).toThrow(InvalidArgumentError);
      expect(() => parse(text), text).toThrow(message);
    }
  });
});
