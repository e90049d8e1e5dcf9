import { setBackend, type DataType } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { KernelAttrs } from "./rule.ts";
import { call, checkCalls, input, listed, keyOf, seeds, shapes } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

describe("Creation rules", () => {
  test("ZerosLike and OnesLike equal dense for every type", () => {
    const dtypes = fc.constantFrom<DataType>("float32", "int32", "bool");
    checkCalls(
      fc
        .tuple(fc.constantFrom("ZerosLike", "OnesLike"), shapes(0, 3), dtypes, seeds)
        .map(([kernel, shape, dtype, seed]) => call(kernel, [input("x", shape, seed, dtype)])),
      80,
    );
  });

  test("Fill, Range and LinSpace know their shape and are the same on every rank", () => {
    checkCalls(
      fc
        .tuple(shapes(0, 3), fc.integer({ min: -3, max: 3 }))
        .map(([shape, value]) => call("Fill", [], { shape, value, dtype: "float32" })),
    );
    checkCalls(
      fc
        .tuple(
          fc.integer({ min: -6, max: 6 }),
          fc.integer({ min: -6, max: 6 }),
          fc.constantFrom(-2, -1, 0.5, 1, 3),
        )
        .map(([start, stop, step]) => call("Range", [], { start, stop, step, dtype: "float32" })),
      200,
    );
    checkCalls(fc.integer({ min: 1, max: 7 }).map((num) => call("LinSpace", [], { start: 0, stop: 3, num })));
  });

  test("a tensor like a partial one is whole: its values are not read", () => {
    expect(listed(call("OnesLike", [input("x", [2], 1)]))).toEqual([
      "Shard(0) -> Shard(0)",
      ...["sum", "max", "min"].map((op) => `Partial("${op}") -> Replicate()`),
    ]);
  });

  test("the value of a fill stays out of its cache key, its type does not", () => {
    const key = (attrs: KernelAttrs): string => keyOf("Fill", attrs);
    expect(key({ shape: [2], value: 0.1, dtype: "float32" })).toBe(key({ shape: [2], value: 0.2 }));
    expect(key({ shape: [2], value: true })).not.toBe(key({ shape: [2], value: 1 }));
    expect(key({ shape: [2, 3], value: 1 })).not.toBe(key({ shape: [23], value: 1 }));
  });
});
