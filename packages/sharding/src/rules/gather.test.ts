import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { numElements } from "../layout.ts";
import { Partial, Replicate, Shard } from "../placement.ts";
import { decide } from "./plan.ts";
import { simulateRanks } from "./simulate-ranks.ts";
import {
  call,
  checkCalls,
  input,
  listed,
  ruleOf,
  seeds,
  shapes,
  size,
  type DenseInput,
} from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

/** Indices below `limit`. */
function indices(name: string, shape: readonly number[], limit: number, seed: number): DenseInput {
  const values = Array.from({ length: numElements(shape) }, (_, i) => ((seed % 97) + i * 7) % limit);
  return { name, shape, dtype: "int32", values };
}

describe("Gather rules", () => {
  test("GatherV2 equals dense on every axis", () => {
    checkCalls(
      fc.tuple(shapes(1, 3), fc.nat(5), shapes(0, 2), seeds).map(([shape, draw, where, seed]) => {
        const axis = (draw % (2 * shape.length)) - shape.length;
        const limit = shape.at(axis)!;
        const dtype = (["float32", "int32", "bool"] as const)[seed % 3]!;
        return call("GatherV2", [input("x", shape, seed, dtype), indices("indices", where, limit, seed)], {
          axis,
          batchDims: 0,
        });
      }),
      120,
    );
  });

  test("GatherV2 equals dense with batch dims", () => {
    checkCalls(
      fc.tuple(size, size, size, size, fc.boolean(), seeds).map(([b, v, d, t, inner, seed]) => {
        const x = input("x", inner ? [b, d, v] : [b, v, d], seed);
        return call("GatherV2", [x, indices("indices", [b, t], v, seed)], {
          axis: inner ? 2 : 1,
          batchDims: 1,
        });
      }),
      60,
    );
  });

  test("UnsortedSegmentSum equals dense", () => {
    checkCalls(
      fc
        .tuple(shapes(1, 3), size, seeds)
        .map(([shape, numSegments, seed]) =>
          call(
            "UnsortedSegmentSum",
            [input("x", shape, seed), indices("segmentIds", [shape[0]!], numSegments, seed)],
            { numSegments },
          ),
        ),
      80,
    );
  });

  test("OneHot equals dense", () => {
    checkCalls(
      fc
        .tuple(shapes(1, 2), size, fc.constantFrom("float32", "int32"), seeds)
        .map(([shape, depth, dtype, seed]) =>
          call("OneHot", [indices("indices", shape, 5, seed)], { depth, dtype, onValue: 3, offValue: -1 }),
        ),
    );
  });

  test("an index outside the table is an error that names it, on every rank", () => {
    const table = input("x", [7, 4], 1);
    const where = { name: "indices", shape: [2], dtype: "int32" as const, values: [3, 7] };
    const wrong = call("GatherV2", [table, where], { axis: 0, batchDims: 0 });
    const inside = { ...wrong, inputs: [table, { ...where, values: [3, 6] }] };
    const mesh = { axisNames: ["tp"], shape: [2] };
    const split = { inputs: [[Shard(0)], [Replicate()]], outputs: [[Partial()]] };
    expect(simulateRanks(ruleOf("GatherV2"), inside, mesh, split, () => 0)[0]!.values).toEqual(
      [...[3, 6]].flatMap((row) => Array.from({ length: 4 }, (_, i) => table.values[row * 4 + i])),
    );
    expect(() => simulateRanks(ruleOf("GatherV2"), wrong, mesh, split, () => 0)).toThrow(
      "GatherV2: index (7) must be in [0, 7), the range of the dim that is gathered; use indices below its size.",
    );
  });

  test("a small table moves to another split, a large one is looked up where it is", () => {
    const mesh = { axisNames: ["tp"], shape: [2] };
    const decided = (rows: number): string => {
      const lookup = call("GatherV2", [input("x", [rows, 64], 1), indices("indices", [64], rows, 1)], {
        axis: 0,
        batchDims: 0,
      });
      return decide(ruleOf("GatherV2"), lookup, [[Shard(0)], [Replicate()]], mesh).outputs[0]![0]!.kind;
    };
    // Reducing the result sends 16384 bytes per rank; an all-to-all to columns 64 bytes per row of the table.
    expect(decided(255)).toBe("shard");
    expect(decided(257)).toBe("partial");
  });

  test("a table split over what is looked up gives a partial result; split indices split it", () => {
    const table = input("x", [7, 4], 1);
    expect(
      listed(call("GatherV2", [table, indices("indices", [2, 3], 7, 1)], { axis: 0, batchDims: 0 })),
    ).toEqual([
      "Replicate(), Shard(0) -> Shard(0)",
      "Replicate(), Shard(1) -> Shard(1)",
      "Shard(1), Replicate() -> Shard(2)",
      ...["sum", "max", "min"].map((op) => `Partial("${op}"), Replicate() -> Partial("${op}")`),
      'Shard(0), Replicate() -> Partial("sum")',
    ]);
    const flags = input("x", [7, 4], 1, "bool");
    expect(
      listed(call("GatherV2", [flags, indices("indices", [2], 7, 1)], { axis: 0, batchDims: 0 })),
    ).toContain('Shard(0), Replicate() -> Partial("max")');
  });

  test("the gradient of a lookup with split indices is a partial sum", () => {
    expect(
      listed(
        call("UnsortedSegmentSum", [input("x", [6, 4], 1), indices("segmentIds", [6], 7, 1)], {
          numSegments: 7,
        }),
      ),
    ).toEqual([
      'Shard(0), Shard(0) -> Partial("sum")',
      "Shard(1), Replicate() -> Shard(1)",
      'Partial("sum"), Replicate() -> Partial("sum")',
    ]);
  });
});
