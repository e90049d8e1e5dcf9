import { ContractError } from "@meshwright/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { packBuckets } from "./bucket.ts";

describe("packBuckets", () => {
  test("fills each bucket until the next does not fit", () => {
    //  4 5 | 3 | 12 | 2 2
    expect(packBuckets([4, 5, 3, 12, 2, 2], 10)).toEqual([[0, 1], [2], [3], [4, 5]]);
    expect(packBuckets([], 10)).toEqual([]);
    expect(packBuckets([0, 0], 1)).toEqual([[0, 1]]);
    expect(packBuckets([11, 1], 10)).toEqual([[0], [1]]);
  });

  test("holds everything once, in order, within the limit unless one alone is larger, and never fewer than fit", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 60 }),
        (bytes, limit) => {
          const buckets = packBuckets(bytes, limit);
          expect(buckets.flat()).toEqual(bytes.map((_, position) => position));
          const total = (bucket: readonly number[]): number => bucket.reduce((sum, i) => sum + bytes[i]!, 0);
          buckets.forEach((bucket, i) => {
            if (bucket.length > 1) expect(total(bucket)).toBeLessThanOrEqual(limit);
            const next = buckets[i + 1];
            if (next !== undefined) expect(total(bucket) + bytes[next[0]!]!).toBeGreaterThan(limit);
          });
        },
      ),
    );
  });

  test("refuses a limit that holds nothing", () => {
    expect(() => packBuckets([1], 0)).toThrow(
      new ContractError("packBuckets: bucketBytes (0) must be positive; use for example 1048576."),
    );
  });
});
