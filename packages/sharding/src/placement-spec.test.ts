import { describe, expect, test } from "vitest";
import { Partial, Replicate, Shard } from "./placement.ts";
import { resolvePlacements } from "./placement-spec.ts";

const mesh = { axisNames: ["dp", "tp"], shape: [2, 3] };
const tensor = { shape: [4, 5], dtype: "float32" as const };

describe("resolvePlacements", () => {
  test("orders by mesh axis, counts negative dims from the end, and replicates what is unnamed", () => {
    expect(resolvePlacements("shard", mesh, { tp: Shard(-1) }, tensor)).toEqual([Replicate(), Shard(1)]);
  });

  test("keeps what is unnamed where told to", () => {
    expect(
      resolvePlacements("redistribute", mesh, { tp: Replicate() }, tensor, [Shard(0), Partial()]),
    ).toEqual([Shard(0), Replicate()]);
  });

  test("rejects an axis that the mesh does not have", () => {
    expect(() => resolvePlacements("shard", mesh, { pt: Shard(0) }, tensor)).toThrow(
      'shard: axis ("pt") must be an axis of the mesh ({ dp: 2, tp: 3 }); use one of "dp", "tp".',
    );
  });

  test.each([2, -3, 0.5])("rejects dim %d of a matrix", (dim) => {
    expect(() => resolvePlacements("shard", mesh, { tp: Shard(dim) }, tensor)).toThrow(
      `shard: tp (Shard(${dim})) must name a dim of the tensor of shape [4, 5]; use a dim from -2 to 1.`,
    );
  });

  test("rejects a sum of bools", () => {
    expect(() =>
      resolvePlacements("fromLocal", mesh, { dp: Partial() }, { shape: [2], dtype: "bool" }),
    ).toThrow(
      'fromLocal: dp (Partial("sum")) must not be used for dtype bool, which has no sum; use Partial("max") for "any" or cast to int32.',
    );
  });
});
