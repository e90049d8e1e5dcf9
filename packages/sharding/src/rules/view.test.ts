import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { axisContext } from "./plan.ts";
import { reshapeGroups } from "./view.ts";
import { call, checkCalls, input, listed, ruleOf, seeds, shapes } from "./test/arbitrary-call.ts";
import { numElements } from "../layout.ts";
import { Replicate, Shard } from "../placement.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

const PASSES = ["sum", "max", "min"].map((op) => `Partial("${op}") -> Partial("${op}")`);

/** Two shapes of the same elements: factors grouped in two ways, with ones in between. */
const regrouped = fc
  .tuple(
    fc.array(fc.constantFrom(1, 2, 2, 3, 4), { minLength: 1, maxLength: 5 }),
    fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
  )
  .map(([factors, joins]) => [group(factors, joins.slice(0, 5)), group(factors, joins.slice(5))] as const);

function group(factors: readonly number[], joins: readonly boolean[]): number[] {
  const shape: number[] = [];
  factors.forEach((factor, i) => {
    if (i > 0 && joins[i] === true) shape[shape.length - 1]! *= factor;
    else shape.push(factor);
  });
  return shape;
}

describe("View rules", () => {
  test("Reshape equals dense for dims split and merged in every way", () => {
    checkCalls(
      fc
        .tuple(regrouped, seeds)
        .map(([[from, to], seed]) => call("Reshape", [input("x", from, seed)], { shape: to })),
      300,
    );
  });

  test("Transpose equals dense", () => {
    checkCalls(
      fc
        .tuple(shapes(1, 3), fc.array(fc.nat(100), { minLength: 3, maxLength: 3 }), seeds)
        .map(([shape, keys, seed]) => {
          const perm = shape.map((_, dim) => dim).sort((a, b) => keys[a]! - keys[b]!);
          return call("Transpose", [input("x", shape, seed)], { perm });
        }),
      100,
    );
  });

  test("ExpandDims and Identity equal dense", () => {
    checkCalls(
      fc.tuple(shapes(0, 3), fc.nat(7), seeds).map(([shape, draw, seed]) =>
        call("ExpandDims", [input("input", shape, seed)], {
          dim: (draw % (2 * shape.length + 2)) - shape.length - 1,
        }),
      ),
    );
    checkCalls(
      fc.tuple(shapes(0, 3), seeds).map(([shape, seed]) => call("Identity", [input("x", shape, seed)])),
    );
  });
});

describe("Strategies of Reshape", () => {
  const reshape = (from: number[], to: number[], numRanks = 2): string[] =>
    listed(call("Reshape", [input("x", from, 1)], { shape: to }), numRanks).filter(
      (line) => !PASSES.includes(line),
    );

  test("heads split out of features keep the split, and back", () => {
    expect(reshape([2, 3, 8], [2, 3, 4, 2])).toEqual([
      "Shard(0) -> Shard(0)",
      "Shard(1) -> Shard(1)",
      "Shard(2) -> Shard(2)",
    ]);
    expect(reshape([2, 3, 4, 2], [2, 3, 8])).toContain("Shard(2) -> Shard(2)");
    expect(reshape([2, 3, 8], [6, 8])).toEqual(["Shard(0) -> Shard(0)", "Shard(2) -> Shard(1)"]);
    expect(reshape([6, 8], [2, -1, 8])).toEqual(["Shard(0) -> Shard(0)", "Shard(1) -> Shard(2)"]);
  });

  test("pieces must end at the same elements in both shapes", () => {
    expect(reshape([3, 4], [12])).toEqual([]);
    expect(reshape([3, 4], [12], 3)).toEqual(["Shard(0) -> Shard(0)"]);
    expect(reshape([4, 3], [6, 2])).toEqual(["Shard(0) -> Shard(0)"]);
    expect(reshape([4, 3], [6, 2], 4)).toEqual([]);
  });

  test("a dim that other axes split too must divide by all pieces", () => {
    const mesh = { axisNames: ["dp", "tp"], shape: [2, 2] };
    const heads = call("Reshape", [input("x", [6, 4], 1)], { shape: [24] });
    const split = (other: ReturnType<typeof Shard>): number =>
      ruleOf("Reshape").strategies(heads, axisContext([[other, Replicate()]], 1, mesh)).length -
      PASSES.length;
    expect(split(Replicate())).toBe(1);
    expect(split(Shard(1))).toBe(1);
    expect(split(Shard(0))).toBe(0);
  });

  test("a dim that stays as it is may be split unevenly; ones come and go", () => {
    expect(reshape([5, 1, 3], [1, 5, 3, 1])).toEqual(["Shard(0) -> Shard(1)", "Shard(2) -> Shard(2)"]);
  });

  test("an empty tensor keeps its dims only if nothing changes", () => {
    expect(reshape([0, 4], [0, 4])).toEqual(["Shard(0) -> Shard(0)", "Shard(1) -> Shard(1)"]);
    expect(reshape([0, 4], [2, 0])).toEqual([]);
  });

  test("groups are as fine as the products allow", () => {
    expect(reshapeGroups([2, 3, 4, 5], [6, 2, 10])).toEqual([
      { from: [0, 1], to: [0] },
      { from: [2, 3], to: [1, 2] },
    ]);
    fc.assert(
      fc.property(regrouped, ([from, to]) => {
        const product = (shape: readonly number[], dims: readonly number[]): number =>
          numElements(dims.map((dim) => shape[dim]!));
        const groups = reshapeGroups(from, to);
        for (const { from: left, to: right } of groups) expect(product(from, left)).toBe(product(to, right));
        expect(numElements(groups.map((found) => product(from, found.from)))).toBe(numElements(from));
      }),
      { seed: 20261 },
    );
  });
});
