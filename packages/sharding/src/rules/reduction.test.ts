import { setBackend, type DataType } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { emptyElement } from "./empty-value.ts";
import { verifyRule } from "./verify-rule.ts";
import { call, checkCalls, input, listed, ruleOf, seeds, shapes } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

function reductions(kernel: string, dtypes: readonly DataType[]): fc.Arbitrary<ReturnType<typeof call>> {
  return fc
    .record({
      shape: shapes(1, 3),
      mask: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
      negative: fc.boolean(),
      keepDims: fc.boolean(),
      dtype: fc.constantFrom(...dtypes),
      seed: seeds,
    })
    .map(({ shape, mask, negative, keepDims, dtype, seed }) => {
      const dims = shape.flatMap((_, dim) =>
        mask[dim] === true ? [negative ? dim - shape.length : dim] : [],
      );
      const name = kernel === "Max" ? "reductionIndices" : "axis";
      const axes = dims.length === 1 ? dims[0] : dims.length === shape.length ? undefined : dims;
      return call(kernel, [input("x", shape, seed, dtype)], { [name]: axes, keepDims });
    });
}

describe("Reduction rules", () => {
  test.each([
    ["Sum", ["float32", "int32", "bool"]],
    ["Mean", ["float32", "int32"]],
    ["Max", ["float32", "int32"]],
    ["Min", ["float32", "int32"]],
    ["Prod", ["float32", "int32", "bool"]],
    ["All", ["bool"]],
    ["Any", ["bool"]],
  ] as const)("%s equals dense under every strategy", (kernel, dtypes) => {
    checkCalls(reductions(kernel, dtypes), 100);
  });

  test("a reduced dim gives a partial output, a kept one a split output", () => {
    const x = input("x", [3, 4, 5], 1);
    expect(listed(call("Sum", [x], { axis: [1], keepDims: false }))).toEqual([
      "Shard(0) -> Shard(0)",
      'Shard(1) -> Partial("sum")',
      "Shard(2) -> Shard(1)",
      'Partial("sum") -> Partial("sum")',
    ]);
    expect(listed(call("Max", [x], { reductionIndices: [0], keepDims: true }))).toEqual([
      'Shard(0) -> Partial("max")',
      "Shard(1) -> Shard(1)",
      "Shard(2) -> Shard(2)",
      'Partial("max") -> Partial("max")',
    ]);
    expect(listed(call("All", [input("x", [3], 1, "bool")], { axis: 0, keepDims: false }))).toEqual([
      'Shard(0) -> Partial("min")',
      'Partial("min") -> Partial("min")',
    ]);
    expect(listed(call("Prod", [x], { axis: [0, 2], keepDims: false }))).toEqual([
      "Shard(1) -> Shard(0)",
      "Shard(0) -> Replicate()",
      "Shard(2) -> Replicate()",
    ]);
  });

  test("the mean of an uneven split weighs every element alike", () => {
    const x = { name: "x", shape: [5], dtype: "float32" as const, values: [1, 1, 1, 1, 6] };
    const mesh = { axisNames: ["tp"], shape: [4] };
    expect(
      verifyRule(ruleOf("Mean"), call("Mean", [x], { axis: 0, keepDims: false }), { mesh }),
    ).toHaveLength(3);
  });

  test("an empty shard holds what a reduction of nothing gives", () => {
    expect(emptyElement(ruleOf("Max"), "float32")).toBe(-Infinity);
    expect(emptyElement(ruleOf("Max"), "int32")).toBe(-2147483648);
    expect(emptyElement(ruleOf("Min"), "int32")).toBe(2147483647);
    expect(emptyElement(ruleOf("All"), "bool")).toBe(1);
    expect(emptyElement(ruleOf("Any"), "bool")).toBe(0);
    expect(emptyElement(ruleOf("Sum"), "float32")).toBe(0);
  });
});
