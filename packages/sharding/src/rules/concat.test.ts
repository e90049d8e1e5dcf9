import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { call, checkCalls, input, listed, seeds, shapes, size } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

describe("Concat rules", () => {
  test("Concat equals dense, empty inputs included", () => {
    checkCalls(
      fc
        .tuple(
          shapes(1, 3),
          fc.nat(5),
          fc.array(fc.constantFrom(0, 1, 2, 3), { minLength: 2, maxLength: 3 }),
          seeds,
        )
        .filter(([, , sizes]) => sizes.some((n) => n > 0))
        .map(([shape, draw, sizes, seed]) => {
          const axis = draw % shape.length;
          const inputs = sizes.map((n, i) => input(String(i), shape.with(axis, n), seed));
          return call("Concat", inputs, { axis });
        }),
      100,
    );
  });

  test("Pack equals dense", () => {
    checkCalls(
      fc.tuple(shapes(0, 2), fc.nat(5), fc.constantFrom(1, 2, 3), seeds).map(([shape, draw, count, seed]) => {
        const inputs = Array.from({ length: count }, (_, i) => input(String(i), shape, seed));
        return call("Pack", inputs, { axis: draw % (shape.length + 1) });
      }),
      60,
    );
  });

  test("Unpack equals dense", () => {
    checkCalls(
      fc
        .tuple(shapes(1, 3), fc.nat(5), seeds)
        .map(([shape, draw, seed]) =>
          call("Unpack", [input("value", shape, seed)], { axis: (draw % (2 * shape.length)) - shape.length }),
        ),
      60,
    );
  });

  test("lists every dim but the joined one, and partial values only for all inputs", () => {
    const rows = size.map((n) => [input("0", [n, 3], 1), input("1", [2, 3], 2)]);
    fc.assert(
      fc.property(rows, (inputs) => {
        expect(listed(call("Concat", inputs, { axis: 0 }))).toEqual([
          "Shard(1), Shard(1) -> Shard(1)",
          ...["sum", "max", "min"].map((op) => `Partial("${op}"), Partial("${op}") -> Partial("${op}")`),
        ]);
      }),
      { seed: 20261 },
    );
    const twins = [input("0", [4, 3], 1), input("1", [4, 3], 2)];
    expect(listed(call("Pack", twins, { axis: 1 })).slice(0, 2)).toEqual([
      "Shard(0), Shard(0) -> Shard(0)",
      "Shard(1), Shard(1) -> Shard(2)",
    ]);
    expect(listed(call("Pack", twins, { axis: -1 })).slice(0, 2)).toEqual([
      "Shard(0), Shard(0) -> Shard(0)",
      "Shard(1), Shard(1) -> Shard(1)",
    ]);
    expect(listed(call("Unpack", [input("value", [2, 5], 1)], { axis: 0 }))[0]).toBe(
      "Shard(1) -> Shard(0), Shard(0)",
    );
  });
});
