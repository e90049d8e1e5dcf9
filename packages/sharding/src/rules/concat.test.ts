import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Replicate } from "../placement.ts";
import { axisContext } from "./plan.ts";
import { call, checkCalls, input, listed, ruleOf, seeds, shapes, size } from "./test/arbitrary-call.ts";

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

  test("what stays with its rank is not sent", () => {
    const halves = [input("0", [8, 3], 1), input("1", [4, 3], 2)];
    const context = axisContext([[Replicate()], [Replicate()]], 0, { axisNames: ["tp"], shape: [2] });
    const strategies = ruleOf("Concat").strategies(call("Concat", halves, { axis: 0 }), context);
    // 0 1 2 3 | 4 5 6 7 and 8 9 | 10 11 become 0 .. 5 | 6 .. 11: 4 and 5 go to rank 0, 8 and 9 to rank 1.
    expect(strategies.at(-1)!.localBytes).toBe(2 * 3 * 4);
    const alreadyThere = [input("0", [2, 3], 1), input("1", [0, 3], 2)];
    const free = ruleOf("Concat").strategies(call("Concat", alreadyThere, { axis: 0 }), context);
    expect(free.at(-1)!.localBytes).toBe(0);
  });

  test("lists every dim, the joined one last, and partial values only for all inputs", () => {
    const rows = size.map((n) => [input("0", [n, 3], 1), input("1", [2, 3], 2)]);
    fc.assert(
      fc.property(rows, (inputs) => {
        expect(listed(call("Concat", inputs, { axis: 0 }))).toEqual([
          "Shard(1), Shard(1) -> Shard(1)",
          ...["sum", "max", "min"].map((op) => `Partial("${op}"), Partial("${op}") -> Partial("${op}")`),
          "Shard(0), Shard(0) -> Shard(0)",
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
