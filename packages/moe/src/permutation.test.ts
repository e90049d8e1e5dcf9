import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { orderByExpert, paddedRows, planPermutation, rowStarts } from "./permutation.ts";

describe("the permutation", () => {
  test("is the one that the picture shows", () => {
    const plan = planPermutation({
      ...{ numTokens: 3, topK: 2, numExperts: 3 },
      experts: Int32Array.of(2, 0, 0, 1, 2, 0),
      kept: Uint8Array.of(1, 1, 1, 0, 1, 1),
    });
    expect([...plan.pairs]).toEqual([1, 2, 5, 0, 4]);
    expect([...plan.tokens]).toEqual([0, 1, 2, 0, 2]);
    expect([...plan.counts]).toEqual([3, 0, 2]);
    expect([...plan.rowOf]).toEqual([3, 0, 1, -1, 4, 2]);
  });

  test("sorts stably, loses and invents nothing, and has its inverse", () => {
    const pairs = fc.array(fc.record({ expert: fc.nat({ max: 6 }), kept: fc.nat({ max: 1 }) }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(pairs, fc.integer({ min: 1, max: 3 }), (drawn, topK) => {
        const numTokens = Math.floor(drawn.length / topK);
        const used = drawn.slice(0, numTokens * topK);
        const experts = Int32Array.from(used, ({ expert }) => expert);
        const kept = Uint8Array.from(used, (pair) => pair.kept);
        const plan = planPermutation({ numTokens, topK, numExperts: 7, experts, kept });
        const expected = [...experts.keys()]
          .filter((pair) => kept[pair] === 1)
          .sort((a, b) => experts[a]! - experts[b]! || a - b);
        expect([...plan.pairs]).toEqual(expected);
        expect([...plan.rowOf]).toEqual(used.map((_, pair) => expected.indexOf(pair)));
        expect([...plan.tokens]).toEqual(expected.map((pair) => Math.floor(pair / topK)));
        const counts = Array.from({ length: 7 }, (_, e) => expected.filter((p) => experts[p] === e).length);
        expect([...plan.counts]).toEqual(counts);
      }),
      { seed: 6 },
    );
  });

  test("keeps all pairs where nothing says which", () => {
    const plan = planPermutation({ numTokens: 2, topK: 1, numExperts: 2, experts: Int32Array.of(1, 0) });
    expect([...plan.rowOf]).toEqual([1, 0]);
  });

  test("padded to capacity leaves room after each expert's rows", () => {
    expect([...rowStarts(Int32Array.of(2, 0, 3))]).toEqual([0, 2, 2]);
    expect([...paddedRows(Int32Array.of(2, 0, 3), 4)]).toEqual([0, 1, 8, 9, 10]);
    expect(() => paddedRows(Int32Array.of(2, 0, 3), 2)).toThrow(
      "paddedRows: rows of expert 2 (3) must be at most the capacity (2); use keepWithinCapacity first, or a larger capacity.",
    );
  });

  test("of rows that arrived from ranks sorts by expert, in the order of the ranks", () => {
    const found = orderByExpert(Int32Array.of(2, 1, 0, 1, 1, 1), 2);
    expect([...found.order]).toEqual([0, 1, 4, 2, 3, 5]);
    expect([...found.counts]).toEqual([3, 3]);
  });

  test("of choices that do not fit is an error", () => {
    const sizes = { numTokens: 2, topK: 2, numExperts: 3 };
    expect(() => planPermutation({ ...sizes, experts: Int32Array.of(0, 1, 2) })).toThrow(
      "planPermutation: experts (length 3) must hold numTokens * topK choices (4); use one expert per token and choice.",
    );
    const experts = Int32Array.of(0, 1, 2, 0);
    expect(() => planPermutation({ ...sizes, experts, kept: Uint8Array.of(1) })).toThrow(
      "planPermutation: kept (length 1) must be as long as experts (4); use keepWithinCapacity of the same choices.",
    );
  });
});
