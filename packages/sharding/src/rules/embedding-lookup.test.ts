import { startEngine } from "@meshwright/core";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  call,
  checkCalls,
  input,
  listed,
  seeds,
  shapes,
  size,
  type DenseInput,
} from "./test/arbitrary-call.ts";

beforeAll(() => startEngine({ prefer: "cpu" }));

function indices(shape: readonly number[], numRows: number, seed: number): DenseInput {
  const count = shape.reduce((product, n) => product * n, 1);
  return {
    ...{ name: "indices", shape, dtype: "int32" },
    values: Array.from({ length: count }, (_, i) => ((seed % 83) + 3 * i) % numRows),
  };
}

/** Tables of 1 to 7 rows, so that shards of rows are uneven and empty; some rows are looked up twice, some never. */
const lookups = fc
  .tuple(shapes(1, 2), fc.constantFrom(1, 2, 3, 5, 7), size, seeds)
  .map(([shape, numRows, features, seed]) => ({
    table: input("table", [numRows, features], seed),
    wanted: indices(shape, numRows, seed),
    dy: input("dy", [...shape, features], seed),
    attrs: { numRows, firstRow: 0 },
  }));

describe("Rules of EmbeddingLookup", () => {
  test("rows equal dense, and so does their gradient", () => {
    checkCalls(
      lookups.map(({ table, wanted, attrs }) => call("EmbeddingLookup", [table, wanted], attrs)),
      80,
    );
    checkCalls(
      lookups.map(({ table, wanted, dy, attrs }) => call("EmbeddingLookupGrad", [dy, wanted, table], attrs)),
      80,
    );
  });

  test("a split table gives partial rows and a split gradient", () => {
    const [table, wanted, dy] = [input("table", [7, 4], 1), indices([2, 3], 7, 1), input("dy", [2, 3, 4], 1)];
    const attrs = { numRows: 7, firstRow: 0 };
    expect(listed(call("EmbeddingLookup", [table, wanted], attrs))).toEqual([
      "Replicate(), Shard(0) -> Shard(0)",
      "Replicate(), Shard(1) -> Shard(1)",
      "Shard(1), Replicate() -> Shard(2)",
      'Shard(0), Replicate() -> Partial("sum")',
    ]);
    expect(listed(call("EmbeddingLookupGrad", [dy, wanted, table], attrs))).toEqual([
      "Replicate(), Replicate(), Shard(0) -> Shard(0)",
      "Shard(2), Replicate(), Shard(1) -> Shard(1)",
      'Shard(0), Shard(0), Replicate() -> Partial("sum")',
      'Shard(1), Shard(1), Replicate() -> Partial("sum")',
      'Partial("sum"), Replicate(), Replicate() -> Partial("sum")',
    ]);
  });
});
