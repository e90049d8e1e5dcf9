import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { isShard, Replicate, Shard } from "../placement.ts";
import { axisContext, decide } from "./plan.ts";
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

/** Intervals with at least one element, forwards and backwards, from the front and from the back. */
function steps(
  shape: readonly number[],
  draws: readonly (readonly [number, number, boolean])[],
): Readonly<Record<"begin" | "end" | "strides", number[]>> {
  const dims = shape.map((n, dim) => {
    const [first, second, fromBack] = draws[dim]!;
    const stride = [1, 2, -1, 1, -2][(first + second) % 5]!;
    const begin = first % n;
    const end = stride > 0 ? begin + 1 + (second % (n - begin)) : begin - 1 - (second % (begin + 1));
    // Backwards, -1 would be the last element; the one before the first is -n - 1.
    return { begin: fromBack ? begin - n : begin, end: end < 0 ? -n - 1 : end, stride };
  });
  return {
    begin: dims.map(({ begin }) => begin),
    end: dims.map(({ end }) => end),
    strides: dims.map(({ stride }) => stride),
  };
}

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

  test("MirrorPad equals dense", () => {
    checkCalls(
      drawn.map(({ shape, draws, seed }) => {
        const mode = draws[0]![2] ? "reflect" : "symmetric";
        const most = (n: number): number => (mode === "reflect" ? n : n + 1);
        return call("MirrorPad", [input("x", shape, seed)], {
          paddings: shape.map((n, dim) => [draws[dim]![0] % most(n), draws[dim]![1] % most(n)]),
          mode,
        });
      }),
      80,
    );
  });

  test("StridedSlice equals dense, forwards and backwards, with masks", () => {
    const noMasks = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
    checkCalls(
      drawn.map(({ shape, draws, seed }) =>
        call("StridedSlice", [input("x", shape, seed)], {
          ...steps(shape, draws),
          ...noMasks,
          beginMask: seed % 8,
          endMask: (seed >> 3) % 8,
        }),
      ),
      150,
    );
    const x = input("x", [4, 3, 5], 1);
    const attrs = { begin: [1, 0, 0], end: [2, 3, 5], strides: [1, 1, 1], ...noMasks };
    expect(listed(call("StridedSlice", [x], attrs)).filter((line) => line.startsWith("Shard"))).toHaveLength(
      3,
    );
    // A dim that is lost, or one that is new: the dims of the result are not those of the input.
    for (const mask of [{ shrinkAxisMask: 1 }, { newAxisMask: 2 }]) {
      expect(listed(call("StridedSlice", [x], { ...attrs, ...mask }))).toHaveLength(3);
      checkCalls(fc.constant(call("StridedSlice", [x], { ...attrs, ...mask })), 5);
    }
  });

  test("integers and bools travel as they are", () => {
    for (const dtype of ["int32", "bool"] as const) {
      const x = input("x", [5, 3], 4, dtype);
      checkCalls(fc.constant(call("Reverse", [x], { dims: [0, 1] })), 10);
      checkCalls(fc.constant(call("PadV2", [x], { paddings: [[2, 1], [0, 2]], constantValue: 1 })), 10); // prettier-ignore
    }
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

  test("every dim may be split, those that the kernel leaves alone first", () => {
    const both = ["Shard(0) -> Shard(0)", "Shard(1) -> Shard(1)"];
    expect(splits("Slice", { begin: [1, 0], size: [2, 3] })).toEqual(both.toReversed());
    expect(splits("Slice", { begin: 0, size: -1 })).toEqual(both);
    expect(splits("SplitV", { numOrSizeSplits: 2, axis: 0 })).toEqual([
      "Shard(1) -> Shard(1), Shard(1)",
      "Shard(0) -> Shard(0), Shard(0)",
    ]);
    expect(
      splits("PadV2", {
        paddings: [
          [0, 0],
          [0, 1],
        ],
        constantValue: 0,
      }),
    ).toEqual(both);
    expect(splits("Tile", { reps: [1, 2] })).toEqual(both);
    expect(splits("Reverse", { dims: 0 })).toEqual(both.toReversed());
  });

  test("the cost of a dim that changes is what leaves the busiest rank", () => {
    const cost = (kernel: string, attrs: Record<string, unknown>, shape: readonly number[]): number => {
      const dense = call(kernel, [input("x", shape, 1)], attrs);
      const context = axisContext([[Replicate()]], 0, { axisNames: ["tp"], shape: [4] });
      const found = ruleOf(kernel).strategies(dense, context);
      return found.find(({ inputs }) => isShard(inputs[0]!, 0))!.localBytes!;
    };
    // 8 rows on 4 ranks, of 5 float32 each.
    expect(cost("Reverse", { dims: [0] }, [8, 5])).toBe(2 * 20);
    expect(cost("Slice", { begin: [3, 0], size: [4, 5] }, [8, 5])).toBe(2 * 20);
    expect(cost("Slice", { begin: [3, 0], size: [1, 5] }, [8, 5])).toBe(1 * 20);
    const onTop = { paddings: [[1, 0], [0, 0]], constantValue: 0 }; // prettier-ignore
    // 9 rows in threes: rank 0 gets the pad and rows 0 and 1; rank 1 sends row 2 on, and so do the others.
    expect(cost("PadV2", onTop, [8, 5])).toBe(2 * 20);
    // Each rank needs all rows twice over.
    expect(cost("Tile", { reps: [8, 1] }, [8, 5])).toBe(3 * 4 * 20);
  });

  test("a dim that two axes cut changes along one of them", () => {
    const dense = call("Slice", [input("x", [64], 1)], { begin: [3], size: [8] });
    const grid = { axisNames: ["dp", "tp"], shape: [2, 2] };
    const { inputs, outputs } = decide(ruleOf("Slice"), dense, [[Shard(0), Shard(0)]], grid);
    expect(inputs).toEqual([[Replicate(), Shard(0)]]);
    expect(outputs).toEqual([[Replicate(), Shard(0)]]);
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
