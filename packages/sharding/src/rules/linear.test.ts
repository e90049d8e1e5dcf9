import { startEngine } from "@meshwright/core";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { call, checkCalls, input, keyOf, listed, seeds, shapes, size } from "./test/arbitrary-call.ts";

beforeAll(() => startEngine({ prefer: "cpu" }));

const operands = fc.record({ leading: shapes(0, 3), i: size, o: size, seed: seeds });

describe("Linear rule", () => {
  test("equals dense for any leading dims, both orders of the weight, every strategy", () => {
    checkCalls(
      fc.tuple(operands, fc.boolean()).map(([{ leading, i, o, seed }, transposeW]) => {
        const x = input("x", [...leading, i], seed);
        return call("Linear", [x, input("w", transposeW ? [o, i] : [i, o], seed)], { transposeW });
      }),
      150,
    );
  });

  test("lists leading dims, columns, contraction and the linear passes, in that order", () => {
    const x = input("x", [2, 3, 4], 1);
    expect(listed(call("Linear", [x, input("w", [4, 5], 1)], { transposeW: false }))).toEqual([
      "Shard(0), Replicate() -> Shard(0)",
      "Shard(1), Replicate() -> Shard(1)",
      "Replicate(), Shard(1) -> Shard(2)",
      'Shard(2), Shard(0) -> Partial("sum")',
      'Partial("sum"), Replicate() -> Partial("sum")',
      'Replicate(), Partial("sum") -> Partial("sum")',
    ]);
    expect(listed(call("Linear", [x, input("w", [5, 4], 1)], { transposeW: true })).slice(2, 4)).toEqual([
      "Replicate(), Shard(0) -> Shard(2)",
      'Shard(2), Shard(1) -> Partial("sum")',
    ]);
  });

  test("the cache key tells the orders of the weight apart", () => {
    expect(keyOf("Linear", { transposeW: true })).not.toBe(keyOf("Linear", { transposeW: false }));
  });
});

describe("LinearGradWeight rule", () => {
  test("equals dense for any leading dims and every strategy", () => {
    checkCalls(
      operands.map(({ leading, i, o, seed }) =>
        call("LinearGradWeight", [input("x", [...leading, i], seed), input("dy", [...leading, o], seed)]),
      ),
      150,
    );
  });

  test("lists rows, columns, leading dims and the linear passes, in that order", () => {
    const [x, dy] = [input("x", [2, 3, 4], 1), input("dy", [2, 3, 5], 1)];
    expect(listed(call("LinearGradWeight", [x, dy]))).toEqual([
      "Shard(2), Replicate() -> Shard(0)",
      "Replicate(), Shard(2) -> Shard(1)",
      'Shard(0), Shard(0) -> Partial("sum")',
      'Shard(1), Shard(1) -> Partial("sum")',
      'Partial("sum"), Replicate() -> Partial("sum")',
      'Replicate(), Partial("sum") -> Partial("sum")',
    ]);
  });
});
