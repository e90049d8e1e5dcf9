import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { call, checkCalls, input, keyOf, listed, ruleOf, seeds, shapes } from "./test/arbitrary-call.ts";
import { verifyRule } from "./verify-rule.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

describe("Cumulative rules", () => {
  test.each(["Cumsum", "Cumprod"])("%s equals dense along every dim, exclusive and reverse", (kernel) => {
    const attrs = fc.record({ exclusive: fc.boolean(), reverse: fc.boolean() });
    // Axes counted from the front: tfjs' own cpu kernel knows no others.
    checkCalls(
      fc
        .tuple(shapes(1, 3), fc.nat(5), attrs, fc.constantFrom("float32" as const, "int32" as const), seeds)
        .map(([shape, draw, flags, dtype, seed]) =>
          call(kernel, [input("x", shape, seed, dtype)], {
            axis: draw % shape.length,
            ...flags,
          }),
        ),
      80,
    );
  });

  test("integers wrap as they do in one run", () => {
    const x = { name: "x", shape: [5], dtype: "int32" as const, values: [2 ** 30, 2 ** 30, 2 ** 30, 7, -1] };
    const mesh = { axisNames: ["dp", "tp"], shape: [2, 2] };
    for (const reverse of [false, true]) {
      verifyRule(ruleOf("Cumsum"), call("Cumsum", [x], { axis: 0, exclusive: false, reverse }), { mesh });
    }
  });

  test("every dim may be split; partial values pass through a sum only", () => {
    const x = input("x", [2, 3, 4], 1);
    expect(listed(call("Cumprod", [x], { axis: 0 }))).toEqual([
      "Shard(1) -> Shard(1)",
      "Shard(2) -> Shard(2)",
      "Shard(0) -> Shard(0)",
    ]);
    expect(listed(call("Cumsum", [x], { axis: 0 }))).toEqual([
      "Shard(1) -> Shard(1)",
      "Shard(2) -> Shard(2)",
      'Partial("sum") -> Partial("sum")',
      "Shard(0) -> Shard(0)",
    ]);
  });

  test("what does not decide the layout is not in the key, and the step sees it", () => {
    expect(keyOf("Cumsum", { axis: 1, exclusive: true, reverse: false })).toBe(
      keyOf("Cumsum", { axis: 1, exclusive: false, reverse: true }),
    );
    expect(ruleOf("Cumsum").dynamicAttrs).toBe(true);
  });
});
