import { expect, test } from "vitest";
import { erfc } from "./erf.ts";

// By 40-digit arithmetic.
const KNOWN: readonly (readonly [number, number])[] = [
  [0, 1],
  [0.5, 0.4795001221869535],
  [1, 0.15729920705028513],
  [3, 0.00002209049699858544],
  [6, 2.1519736712498913e-17],
  [10, 2.088487583762545e-45],
];

test.each(KNOWN)("erfc(%d) is right to ten digits, and so is its mirror", (z, expected) => {
  expect(Math.abs(erfc(z) / expected - 1)).toBeLessThan(2e-10);
  expect(Math.abs(erfc(-z) - (2 - expected))).toBeLessThan(2e-10);
});
