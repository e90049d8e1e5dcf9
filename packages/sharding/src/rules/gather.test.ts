import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { numElements } from "../layout.ts";
import {
  call,
  checkCalls,
  input,
  listed,
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
        return call("GatherV2", [input("x", shape, seed), indices("indices", where, limit, seed)], {
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

  test("a table split over what is looked up is gathered; split indices split the result", () => {
    const table = input("x", [7, 4], 1);
    expect(
      listed(call("GatherV2", [table, indices("indices", [2, 3], 7, 1)], { axis: 0, batchDims: 0 })),
    ).toEqual([
      "Replicate(), Shard(0) -> Shard(0)",
      "Replicate(), Shard(1) -> Shard(1)",
      "Shard(1), Replicate() -> Shard(2)",
      ...["sum", "max", "min"].map((op) => `Partial("${op}"), Replicate() -> Partial("${op}")`),
    ]);
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
