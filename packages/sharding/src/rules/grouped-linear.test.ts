import { startEngine } from "@meshwright/core";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { call, checkCalls, input, keyOf, listed, seeds, size } from "./test/arbitrary-call.ts";

beforeAll(() => startEngine({ prefer: "cpu" }));

const operands = fc.record({
  counts: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 }),
  i: size,
  o: size,
  seed: seeds,
});

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

describe("GroupedLinear rule", () => {
  test("equals dense for any counts, both orders of the matrices, every strategy", () => {
    checkCalls(
      fc.tuple(operands, fc.boolean()).map(([{ counts, i, o, seed }, transposeW]) => {
        const w = input("w", [counts.length, ...(transposeW ? [o, i] : [i, o])], seed);
        return call("GroupedLinear", [input("x", [sum(counts), i], seed), w], { counts, transposeW });
      }),
      100,
    );
  });

  test("lists columns, contraction and the linear passes, in that order", () => {
    const attrs = { counts: [2, 0, 1], transposeW: false };
    const x = input("x", [3, 4], 1);
    expect(listed(call("GroupedLinear", [x, input("w", [3, 4, 5], 1)], attrs))).toEqual([
      "Replicate(), Shard(2) -> Shard(1)",
      'Shard(1), Shard(1) -> Partial("sum")',
      'Partial("sum"), Replicate() -> Partial("sum")',
      'Replicate(), Partial("sum") -> Partial("sum")',
    ]);
    const transposed = call("GroupedLinear", [x, input("w", [3, 5, 4], 1)], { ...attrs, transposeW: true });
    expect(listed(transposed).slice(0, 2)).toEqual([
      "Replicate(), Shard(1) -> Shard(1)",
      'Shard(1), Shard(2) -> Partial("sum")',
    ]);
  });

  test("the cache key tells the orders of the matrices apart, and no counts", () => {
    const key = (counts: readonly number[], transposeW: boolean): string =>
      keyOf("GroupedLinear", { counts, transposeW });
    expect(key([1, 2], true)).not.toBe(key([1, 2], false));
    expect(key([1, 2], true)).toBe(key([2, 1], true));
  });
});

describe("GroupedLinearGradWeight rule", () => {
  test("equals dense for any counts and every strategy", () => {
    checkCalls(
      operands.map(({ counts, i, o, seed }) =>
        call(
          "GroupedLinearGradWeight",
          [input("x", [sum(counts), i], seed), input("dy", [sum(counts), o], seed)],
          { counts },
        ),
      ),
      100,
    );
  });

  test("lists rows, columns and the linear passes, in that order; its key is the number of groups", () => {
    const [x, dy] = [input("x", [3, 4], 1), input("dy", [3, 5], 1)];
    expect(listed(call("GroupedLinearGradWeight", [x, dy], { counts: [3, 0] }))).toEqual([
      "Shard(1), Replicate() -> Shard(1)",
      "Replicate(), Shard(1) -> Shard(2)",
      'Partial("sum"), Replicate() -> Partial("sum")',
      'Replicate(), Partial("sum") -> Partial("sum")',
    ]);
    const key = (counts: readonly number[]): string => keyOf("GroupedLinearGradWeight", { counts });
    expect(key([3, 0])).toBe(key([1, 2]));
    expect(key([3, 0])).not.toBe(key([3]));
  });
});
