import { setBackend, type DataType } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Replicate, Shard } from "../placement.ts";
import { seededRandom } from "./dense-value.ts";
import { pointwiseRules } from "./pointwise.ts";
import { simulateRanks } from "./simulate-ranks.ts";
import { call, checkCalls, input, listed, ruleOf, seeds, shapes } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

const BINARY = ["Atan2", "Mod", "Pow", "SquaredDifference", "Add", "Sub", "Multiply", "RealDiv", "Maximum"];
const COMPARE = ["Minimum", "Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "NotEqual"];
const INT32 = ["BitwiseAnd", "FloorDiv"];
const BOOL = ["LogicalAnd", "LogicalOr"];
const OTHERS = ["AddN", "Cast", "EluGrad", "LogicalNot", "Prelu", "Select"];
/** No backend of tfjs has this kernel; tfjs computes it from the other logical ones. */
const UNAVAILABLE = ["LogicalXor"];
const ALL = pointwiseRules.flatMap((rule) => rule.kernels);
const UNARY = ALL.filter(
  (kernel) => ![...BINARY, ...COMPARE, ...INT32, ...BOOL, ...OTHERS, ...UNAVAILABLE].includes(kernel),
);
const ATTRS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ClipByValue: { clipValueMin: -1, clipValueMax: 2 },
  LeakyRelu: { alpha: 0.3 },
  Step: { alpha: 0.5 },
};

/** Two shapes that broadcast: from a common one, sizes made 1 and leading dims left out. */
const broadcastable = fc
  .tuple(shapes(0, 3), fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), fc.nat(3), fc.nat(3))
  .map(([whole, ones, dropA, dropB]) => {
    const a = whole.map((n, dim) => (ones[dim] === true ? 1 : n));
    const b = whole.map((n, dim) => (ones[dim + 3] === true ? 1 : n));
    return dropA > dropB ? [a, b.slice(Math.min(dropB, b.length))] : [a.slice(Math.min(dropA, a.length)), b];
  });

describe("Pointwise rules", () => {
  test.each(UNARY)("%s equals dense under every strategy", (kernel) => {
    checkCalls(
      fc
        .tuple(shapes(0, 3), seeds)
        .map(([shape, seed]) => call(kernel, [input("x", shape, seed)], ATTRS[kernel])),
      15,
    );
  });

  test.each([...BINARY, ...COMPARE, ...INT32, ...BOOL])("%s equals dense under every strategy", (kernel) => {
    const dtype: DataType = INT32.includes(kernel) ? "int32" : BOOL.includes(kernel) ? "bool" : "float32";
    checkCalls(
      fc
        .tuple(broadcastable, seeds)
        .map(([[a, b], seed]) =>
          call(kernel, [input("a", a!, seed, dtype), nonZero(input("b", b!, seed, dtype))]),
        ),
      25,
    );
  });

  test("Multiply and RealDiv by one element equal dense on partial sums", () => {
    checkCalls(
      fc
        .tuple(fc.constantFrom("Multiply", "RealDiv"), shapes(0, 3), fc.constantFrom([], [1], [1, 1]), seeds)
        .map(([kernel, a, b, seed]) => call(kernel, [input("a", a, seed), nonZero(input("b", b, seed))])),
    );
  });

  test("Prelu, EluGrad, LogicalNot, AddN equal dense under every strategy", () => {
    checkCalls(
      fc
        .tuple(shapes(1, 3), seeds)
        .map(([shape, seed]) =>
          call("Prelu", [input("x", shape, seed), input("alpha", shape.slice(1), seed)]),
        ),
    );
    checkCalls(
      fc
        .tuple(shapes(1, 3), seeds)
        .map(([shape, seed]) => call("EluGrad", [input("dy", shape, seed), input("y", shape, seed)])),
    );
    checkCalls(
      fc
        .tuple(shapes(1, 3), seeds)
        .map(([shape, seed]) => call("LogicalNot", [input("x", shape, seed, "bool")])),
    );
    checkCalls(
      fc
        .tuple(shapes(1, 2), seeds)
        .map(([shape, seed]) =>
          call("AddN", [input("0", shape, seed), input("1", shape, seed), input("2", shape, seed)]),
        ),
    );
  });

  test("Cast equals dense between all types", () => {
    const types = fc.constantFrom<DataType>("float32", "int32", "bool");
    checkCalls(
      fc
        .tuple(shapes(0, 2), types, types, seeds)
        .map(([shape, from, to, seed]) => call("Cast", [input("x", shape, seed, from)], { dtype: to })),
      80,
    );
  });

  test("Select equals dense", () => {
    checkCalls(
      fc
        .tuple(shapes(0, 3), seeds)
        .map(([shape, seed]) =>
          call("Select", [
            input("condition", shape, seed, "bool"),
            input("t", shape, seed),
            input("e", shape, seed),
          ]),
        ),
    );
  });

  test("FloorDiv of floats gives floats, whatever the engine gives", () => {
    const a = { name: "a", shape: [3], dtype: "float32" as const, values: [7.5, -1, 4] };
    const b = { name: "b", shape: [], dtype: "float32" as const, values: [2] };
    const mesh = { axisNames: ["tp"], shape: [2] };
    const decision = { inputs: [[Shard(0)], [Replicate()]], outputs: [[Shard(0)]] };
    expect(
      simulateRanks(ruleOf("FloorDiv"), call("FloorDiv", [a, b]), mesh, decision, seededRandom(1)),
    ).toEqual([{ shape: [3], dtype: "float32", values: [3, -1, 2] }]);
  });
});

describe("Strategies of pointwise kernels", () => {
  const a = input("a", [3, 4], 1);
  const row = input("b", [4], 1);
  const scalar = input("b", [], 1);

  test("a broadcast input stays whole along the dim in which it is repeated", () => {
    expect(listed(call("Add", [a, row]))).toEqual([
      "Shard(0), Replicate() -> Shard(0)",
      "Shard(1), Shard(0) -> Shard(1)",
      'Partial("sum"), Partial("sum") -> Partial("sum")',
    ]);
  });

  test("a product takes a partial sum only beside one element", () => {
    expect(listed(call("Multiply", [a, row])).join()).not.toContain("Partial");
    expect(listed(call("Multiply", [a, scalar]))).toContain('Partial("sum"), Replicate() -> Partial("sum")');
    expect(listed(call("Multiply", [a, scalar]))).not.toContain(
      'Replicate(), Partial("sum") -> Partial("sum")',
    );
    expect(
      listed(
        call("RealDiv", [
          { ...scalar, name: "a" },
          { ...a, name: "b" },
        ]),
      ).join(),
    ).not.toContain("Partial");
  });

  test("a non-linear kernel takes no partial input", () => {
    for (const kernel of UNARY.filter((name) => name !== "Neg")) {
      expect(listed(call(kernel, [input("x", [2, 3], 1)]))).toEqual([
        "Shard(0) -> Shard(0)",
        "Shard(1) -> Shard(1)",
      ]);
    }
  });

  test("a cast that truncates takes no partial input", () => {
    const cast = (from: DataType, to: DataType): string =>
      listed(call("Cast", [input("x", [2], 1, from)], { dtype: to })).join("; ");
    expect(cast("float32", "int32")).toBe("Shard(0) -> Shard(0)");
    expect(cast("int32", "bool")).toBe("Shard(0) -> Shard(0)");
    expect(cast("int32", "float32")).toContain('Partial("sum") -> Partial("sum")');
  });

  test("a condition of another shape than the branches splits nothing", () => {
    expect(
      listed(
        call("Select", [input("condition", [3], 1, "bool"), input("t", [3, 4], 1), input("e", [3, 4], 2)]),
      ),
    ).toEqual([]);
  });
});

function nonZero<Input extends { readonly values: ArrayLike<number> }>(value: Input): Input {
  return { ...value, values: Array.from(value.values, (element) => (element === 0 ? 1 : element)) };
}
