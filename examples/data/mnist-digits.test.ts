import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { mnistDigits } from "./mnist-digits.ts";

describe("mnistDigits", () => {
  test("gives the digits in turn, as ink on paper", () => {
    const { images, labels, count } = mnistDigits({ perDigit: 3 });
    expect(count).toBe(30);
    expect([...labels].slice(8, 12)).toEqual([8, 9, 0, 1]);
    expect(images).toHaveLength(30 * 784);
    expect(Math.min(...images)).toBe(0);
    expect(Math.max(...images)).toBeLessThanOrEqual(1);
    // A zero has no ink in the middle of the image, and a one has.
    const ink = (digit: number): number =>
      [0, 1, 2].reduce((sum, i) => sum + images[(10 * i + digit) * 784 + 14 * 28 + 14]!, 0);
    expect(ink(0)).toBeLessThan(0.5);
    expect(ink(1)).toBeGreaterThan(2);
  });

  test("a later range begins where the one before ended, up to the last", () => {
    const all = mnistDigits({ perDigit: 5 });
    const later = mnistDigits({ from: 2, perDigit: 3 });
    expect(later.images).toEqual(all.images.slice(20 * 784));
    expect(mnistDigits({ from: 862, perDigit: 1 }).images.some((ink) => ink > 0)).toBe(true);
    expect(() => mnistDigits({ from: 860, perDigit: 4 })).toThrow(
      new ContractError(
        "mnistDigits: from (860) and perDigit (4) must be whole numbers within the 863 images per digit; use for example from: 0, perDigit: 400.",
      ),
    );
  });
});
