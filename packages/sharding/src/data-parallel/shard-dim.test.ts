import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { regionOf } from "../layout.ts";
import { coordinateOf } from "../mesh.ts";
import { Replicate, Shard, type Placement } from "../placement.ts";
import { chooseShardDim } from "./shard-dim.ts";

const whole = [Replicate()];

describe("chooseShardDim", () => {
  test("takes the dim with the smallest largest part, the first among equals", () => {
    expect(chooseShardDim([6, 8], { placements: whole, meshShape: [2], axis: 0 })).toBe(0);
    expect(chooseShardDim([5, 8], { placements: whole, meshShape: [2], axis: 0 })).toBe(1);
    expect(chooseShardDim([1, 3], { placements: whole, meshShape: [4], axis: 0 })).toBe(1);
  });

  test("finds none where no cut helps", () => {
    expect(chooseShardDim([], { placements: whole, meshShape: [2], axis: 0 })).toBeUndefined();
    expect(chooseShardDim([1, 1], { placements: whole, meshShape: [2], axis: 0 })).toBeUndefined();
  });

  test("leaves a dim to a later axis that cuts it, and cuts within an earlier one", () => {
    const later = { meshShape: [2, 2], axis: 0 };
    expect(chooseShardDim([8], { placements: [Replicate(), Shard(0)], ...later })).toBeUndefined();
    expect(chooseShardDim([8, 3], { placements: [Replicate(), Shard(0)], ...later })).toBe(1);
    const ofOneRank = { meshShape: [2, 1], axis: 0 };
    expect(chooseShardDim([8], { placements: [Replicate(), Shard(0)], ...ofOneRank })).toBe(0);
    const earlier = { meshShape: [2, 2], axis: 1 };
    expect(chooseShardDim([8, 3], { placements: [Shard(0), Replicate()], ...earlier })).toBe(0);
  });

  test("gives every rank a part of what it holds", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        sizes,
        fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
        fc.integer({ min: 0, max: 1 }),
        fc.option(fc.nat(), { nil: undefined }),
        (shape, meshShape, axis, otherDim) => {
          const other = otherDim === undefined ? Replicate() : Shard(otherDim % shape.length);
          const placements: Placement[] = [other, other];
          placements[axis] = Replicate();
          const dim = chooseShardDim(shape, { placements, meshShape, axis });
          if (dim === undefined) return;
          const split = placements.map((placement, i) => (i === axis ? Shard(dim) : placement));
          for (let rank = 0; rank < meshShape[0] * meshShape[1]; rank++) {
            const coordinate = coordinateOf(meshShape, rank);
            const held = regionOf(shape, placements, meshShape, coordinate);
            const part = regionOf(shape, split, meshShape, coordinate);
            shape.forEach((_, d) => {
              if (part.shape.includes(0)) return;
              expect(part.offset[d]).toBeGreaterThanOrEqual(held.offset[d]!);
              expect(part.offset[d]! + part.shape[d]!).toBeLessThanOrEqual(held.offset[d]! + held.shape[d]!);
            });
          }
        },
      ),
    );
  });
});
