import { expect, test } from "vitest";
import { transposed } from "./transpose.ts";

test.each([
  [130, 19],
  [3, 8],
  [64, 1],
  [0, 5],
])("transposed turns [%i, %i] over", (rows, columns) => {
  const values = Float32Array.from({ length: rows * columns }, (_, i) => i);
  const expected: number[] = [];
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) expected.push(row * columns + column);
  }
  expect([...transposed(values, { rows, columns })]).toEqual(expected);
});
