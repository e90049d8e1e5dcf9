import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { KernelAttrs } from "./rule.ts";
import { call, checkCalls, input, keyOf, listed, ruleOf, seeds, shapes } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

/** A shape and three random numbers per dim. */
const drawn = fc.record({
  shape: shapes(1, 3),
  draws: fc.array(fc.tuple(fc.nat(9), fc.nat(9), fc.boolean()), { minLength: 3, maxLength: 3 }),
  seed: seeds,
});

describe("Slice rules", () => {
  test("Slice equals dense, with dims taken whole, in part, and to the end", () => {
    checkCalls(
      drawn.map(({ shape, draws, seed }) => {
        const begin = shape.map((n, dim) => (draws[dim]![2] ? 0 : draws[dim]![0] % n));
        const size = shape.map((n, dim) => {
          const rest = n - begin[dim]!;
          return draws[dim]![1] === 0 ? -1 : draws[dim]![2] ? rest : 1 + (draws[dim]![1] % rest);
        });
        return call("Slice", [input("x", shape, seed)], { begin, size });
      }),
      150,
    );
  });

  test("SplitV equals dense", () => {
    checkCalls(
      drawn.map(({ shape, draws, seed }) => {
        const axis = draws[0]![0] % shape.length;
        const n = shape[axis]!;
        const first = draws[1]![0] % n;
        const pieces = draws[0]![2] ? n : draws[1]![2] ? [first, n - first] : [first, -1];
        return call("SplitV", [input("x", shape, seed)], {
          numOrSizeSplits: pieces,
          axis: draws[2]![2] ? axis : axis - shape.length,
        });
      }),
      100,
    );
  });

  test("PadV2 equals dense, with zeros and with a constant", () => {
    checkCalls(
      drawn.map(({ shape, draws, seed }) =>
        call("PadV2", [input("x", shape, seed)], {
          paddings: shape.map((_, dim) =>
            draws[dim]![2] ? [0, 0] : [draws[dim]![0] % 3, draws[dim]![1] % 3],
          ),
          constantValue: draws[2]![0] % 2,
        }),
      ),
      100,
    );
  });

  test("Tile and Reverse equal dense", () => {
    checkCalls(
      drawn.map(({ shape, draws, seed }) =>
        call("Tile", [input("x", shape, seed)], {
          reps: shape.map((_, dim) => (draws[dim]![2] ? 1 : 1 + (draws[dim]![0] % 3))),
        }),
      ),
    );
    checkCalls(
      drawn.map(({ shape, draws, seed }) =>
        call("Reverse", [input("x", shape, seed)], {
          dims: shape.flatMap((_, dim) => (draws[dim]![2] ? [dim] : [])),
        }),
      ),
    );
  });
});

describe("Strategies of slicing kernels", () => {
  const x = input("x", [4, 3], 1);
  const splits = (kernel: string, attrs: Record<string, unknown>): string[] =>
    listed(call(kernel, [x], attrs)).filter((line) => line.startsWith("Shard"));

  test("dims that the kernel leaves alone may be split", () => {
    expect(splits("Slice", { begin: [1, 0], size: [2, 3] })).toEqual(["Shard(1) -> Shard(1)"]);
    expect(splits("Slice", { begin: 0, size: -1 })).toHaveLength(2);
    expect(splits("SplitV", { numOrSizeSplits: 2, axis: 0 })).toEqual(["Shard(1) -> Shard(1), Shard(1)"]);
    expect(
      splits("PadV2", {
        paddings: [
          [0, 0],
          [0, 1],
        ],
        constantValue: 0,
      }),
    ).toEqual(["Shard(0) -> Shard(0)"]);
    expect(splits("Tile", { reps: [1, 2] })).toEqual(["Shard(0) -> Shard(0)"]);
    expect(splits("Reverse", { dims: 0 })).toEqual(["Shard(1) -> Shard(1)"]);
  });

  test("padding with a constant takes no partial sum", () => {
    const passed = (constantValue: number): string =>
      listed(
        call("PadV2", [x], {
          paddings: [
            [0, 0],
            [0, 1],
          ],
          constantValue,
        }),
      ).join();
    expect(passed(0)).toContain('Partial("sum") -> Partial("sum")');
    expect(passed(2)).not.toContain('Partial("sum")');
    expect(passed(2)).toContain('Partial("max") -> Partial("max")');
  });

  test("a slice's cache key leaves out where it begins, unless that decides its size", () => {
    const key = (attrs: KernelAttrs): string => keyOf("Slice", attrs);
    expect(key({ begin: [0, 0], size: [2, 3] })).toBe(key({ begin: [1, 0], size: [2, 3] }));
    expect(key({ begin: [0, 0], size: [-1, 3] })).not.toBe(key({ begin: [1, 0], size: [-1, 3] }));
    expect(key({ begin: [0, 1], size: [2] })).not.toBe(key({ begin: [0, 0], size: [2] }));
    expect(key({ begin: 1, size: -1 })).not.toBe(key({ begin: 0, size: -1 }));
    expect(ruleOf("Slice").dynamicAttrs).toBe(true);
  });

  test("a number of pieces and a list of one size have two keys", () => {
    const key = (attrs: KernelAttrs): string => keyOf("SplitV", attrs);
    expect(key({ numOrSizeSplits: 4, axis: 0 })).not.toBe(key({ numOrSizeSplits: [4], axis: 0 }));
  });

  test("paddings of another shape are an error", () => {
    expect(() => splits("PadV2", { paddings: [[0, 0]], constantValue: 0 })).toThrow(
      'PadV2: attribute "paddings" ([[0,0]]) must be one [before, after] per dim; use [0, 0] for dims without padding.',
    );
  });
});
