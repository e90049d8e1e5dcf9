import { createWorld, type WorldHandle } from "@meshwright/core";
import { packBuckets, Partial, Replicate, Shard } from "@meshwright/sharding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type program from "./programs/gradient-buckets.ts";

const PROGRAM = new URL("./programs/gradient-buckets.ts", import.meta.url);

describe("reduceGradients on { dp: 2, tp: 2 }", () => {
  let world: WorldHandle;
  beforeAll(async () => {
    world = await createWorld({ ranks: 4 });
  });
  afterAll(() => world.close());

  test.each([1, 100, 1000])(
    "with buckets of %i bytes gives the bits of single reductions",
    async (bucketBytes) => {
      for (const rank of await world.run<typeof program>(PROGRAM, { bucketBytes })) {
        expect(rank.inBuckets).toEqual(rank.oneByOne);
        const buckets = packBuckets(rank.bytes, bucketBytes).length;
        // All-reduce over 2 ranks sends what it reduces; an empty shard is reduced too, because other ranks' is not empty.
        const bytesSent = rank.bytes.reduce((a, b) => a + b, 0);
        expect(rank.totals).toEqual([{ group: "dp", collective: "allReduce", calls: buckets, bytesSent }]);
        expect(rank.oneByOneTotals).toEqual([
          { group: "dp", collective: "allReduce", calls: rank.bytes.length, bytesSent },
        ]);
        expect(rank.placements).toEqual(
          [Replicate(), Shard(0), Shard(0), Shard(1), Partial(), Replicate()].map((tp) => ({
            dp: Replicate(),
            tp,
          })),
        );
        expect(rank.others.at(-1)).toEqual([4]);
        expect(rank.leaked).toBe(0);
      }
    },
  );
});
