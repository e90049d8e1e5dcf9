import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { call, checkCalls, input, listed, ruleOf, seeds, shapes } from "./test/arbitrary-call.ts";
import { verifyRule } from "./verify-rule.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

const onTwoAxes = { axisNames: ["dp", "tp"], shape: [2, 3] };

describe("Rules of positions", () => {
  test.each(["ArgMax", "ArgMin"])("%s equals dense under every strategy", (kernel) => {
    checkCalls(
      fc
        .tuple(shapes(1, 3), fc.nat(5), fc.constantFrom("float32" as const, "int32" as const), seeds)
        .map(([shape, draw, dtype, seed]) =>
          call(kernel, [input("x", shape, seed, dtype)], {
            axis: (draw % (2 * shape.length)) - shape.length,
          }),
        ),
      80,
    );
  });

  test.each(["ArgMax", "ArgMin"])(
    "%s takes the first of equal elements, -0 and 0 among them, and skips NaN",
    (kernel) => {
      const x = {
        name: "x",
        shape: [6, 5],
        dtype: "float32" as const,
        values: [
          ...[2, 7, 7, 2, 7],
          ...[0, -0, 0, -0, 0],
          ...[-0, 0, -0, 0, -0],
          ...[NaN, 3, 9, -3, 1],
          ...[3, NaN, -9, NaN, 9],
          ...[-Infinity, Infinity, Infinity, -Infinity, NaN],
        ],
      };
      verifyRule(ruleOf(kernel), call(kernel, [x], { axis: 1 }), { mesh: onTwoAxes });
    },
  );

  test("integers that float32 cannot tell apart are told apart", () => {
    const values = [2 ** 30, 2 ** 30 + 1, -(2 ** 31), 2 ** 31 - 1, 2 ** 31 - 2];
    const x = { name: "x", shape: [5], dtype: "int32" as const, values };
    for (const kernel of ["ArgMax", "ArgMin"]) {
      verifyRule(ruleOf(kernel), call(kernel, [x], { axis: 0 }), { mesh: onTwoAxes });
    }
  });

  test("a split dim that is searched gives whole positions", () => {
    expect(listed(call("ArgMax", [input("x", [3, 4, 5], 1)], { axis: 1 }))).toEqual([
      "Shard(0) -> Shard(0)",
      "Shard(2) -> Shard(1)",
      "Shard(1) -> Replicate()",
    ]);
  });
});
