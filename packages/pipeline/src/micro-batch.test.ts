import { ContractError } from "@meshwright/core";
import { expect, test } from "vitest";
import { microBatches } from "./micro-batch.ts";

test("parts differ by at most one row, the larger ones first, and share the batch", () => {
  expect(microBatches(7, 3)).toEqual([
    { start: 0, rows: 3, share: 3 / 7 },
    { start: 3, rows: 2, share: 2 / 7 },
    { start: 5, rows: 2, share: 2 / 7 },
  ]);
  expect(microBatches(4, 4).map(({ rows }) => rows)).toEqual([1, 1, 1, 1]);
});

test("parts are multiples of a unit where that is possible", () => {
  const rowsOf = (rows: number, count: number) =>
    microBatches(rows, count, { unit: 2 }).map((part) => part.rows);
  expect(rowsOf(12, 5)).toEqual([4, 2, 2, 2, 2]);
  expect(microBatches(12, 5, { unit: 2 }).map(({ start }) => start)).toEqual([0, 4, 6, 8, 10]);
  // An odd batch, and too few pairs.
  expect(rowsOf(7, 3)).toEqual([3, 2, 2]);
  expect(rowsOf(4, 3)).toEqual([2, 1, 1]);
});

test("every part needs a row", () => {
  expect(() => microBatches(2, 3)).toThrow(
    new ContractError(
      "Pipeline: batch (2 rows) must have at least one row per micro-batch (3); use a larger batch, or a schedule of at most 2 micro-batches.",
    ),
  );
});
