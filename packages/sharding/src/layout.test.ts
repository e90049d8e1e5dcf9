import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chunk, numElements, regionOf } from "./layout.ts";
import { coordinateOf } from "./mesh.ts";
import { Partial, Replicate, Shard, type Placement } from "./placement.ts";

describe("chunk", () => {
  test("follows the ceil(n / p) rule, empty trailing shards included", () => {
    const parts = [0, 1, 2, 3].map((position) => chunk(5, 4, position));
    expect(parts).toEqual([
      { start: 0, size: 2 },
      { start: 2, size: 2 },
      { start: 4, size: 1 },
      { start: 5, size: 0 },
    ]);
  });
});

describe("regionOf", () => {
  test("cuts one dim by two axes in axis order", () => {
    // 7 over 2: 4 | 3; then each over 3: 2 2 0 | 1 1 1
    const sizes = [0, 1, 2, 3, 4, 5].map(
      (rank) => regionOf([7], [Shard(0), Shard(0)], [2, 3], coordinateOf([2, 3], rank)).shape[0],
    );
    expect(sizes).toEqual([2, 2, 0, 1, 1, 1]);
  });

  test("every element lies in exactly one region per replica", () => {
    const placement = fc.oneof(
      fc.constant<Placement>(Replicate()),
      fc.constant<Placement>(Partial()),
      fc.integer({ min: 0, max: 2 }).map((dim) => Shard(dim)),
    );
    fc.assert(
      fc.property(
        fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 })),
        fc.tuple(
          fc.integer({ min: 1, max: 6 }),
          fc.integer({ min: 1, max: 5 }),
          fc.integer({ min: 1, max: 4 }),
        ),
        fc.tuple(placement, placement),
        (mesh, shape, placements) => {
          const ranks = mesh[0] * mesh[1];
          const covered = Array.from({ length: ranks }, (_, rank) =>
            numElements(regionOf(shape, placements, mesh, coordinateOf(mesh, rank)).shape),
          ).reduce((a, b) => a + b, 0);
          const replicas = placements.reduce((n, p, axis) => (p.kind === "shard" ? n : n * mesh[axis]!), 1);
          expect(covered).toBe(numElements(shape) * replicas);
        },
      ),
    );
  });
});
