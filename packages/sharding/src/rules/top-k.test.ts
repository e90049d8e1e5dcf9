import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { call, checkCalls, input, keyOf, listed, ruleOf, seeds, shapes } from "./test/arbitrary-call.ts";
import { verifyRule } from "./verify-rule.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

const onTwoAxes = { axisNames: ["dp", "tp"], shape: [2, 3] };

describe("TopK rule", () => {
  test("equals dense under every strategy, with many equal elements", () => {
    checkCalls(
      fc
        .tuple(shapes(1, 3), fc.nat(9), fc.constantFrom("float32" as const, "int32" as const), seeds)
        .map(([shape, draw, dtype, seed]) =>
          call("TopK", [input("x", shape, seed, dtype)], { k: 1 + (draw % shape.at(-1)!), sorted: true }),
        ),
      80,
    );
  });

  test.each([1, 3, 7])("among equal elements takes the first %i, wherever they are", (k) => {
    const values = [4, 9, 9, 4, 9, -1, 9, 0, -0, 0, 5, 0, -0, 5];
    const x = { name: "x", shape: [2, 7], dtype: "float32" as const, values };
    verifyRule(ruleOf("TopK"), call("TopK", [x], { k, sorted: true }), { mesh: onTwoAxes });
  });

  test("ranks with fewer than k elements, infinite ones among them, count for what they have", () => {
    const values = [1, -Infinity, -3, 2, Infinity];
    const x = { name: "x", shape: [5], dtype: "float32" as const, values };
    verifyRule(ruleOf("TopK"), call("TopK", [x], { k: 5, sorted: true }), { mesh: onTwoAxes });
  });

  test("a split row gives a whole result, but only a sorted one", () => {
    const x = input("x", [2, 3, 4], 1);
    const byRows = ["Shard(0) -> Shard(0), Shard(0)", "Shard(1) -> Shard(1), Shard(1)"];
    expect(listed(call("TopK", [x], { k: 2, sorted: true }))).toEqual([
      ...byRows,
      "Shard(2) -> Replicate(), Replicate()",
    ]);
    expect(listed(call("TopK", [x], { k: 2, sorted: false }))).toEqual(byRows);
    expect(keyOf("TopK", { k: 2, sorted: false })).not.toBe(keyOf("TopK", { k: 2, sorted: true }));
  });
});
