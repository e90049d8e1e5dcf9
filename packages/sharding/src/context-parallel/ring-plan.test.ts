import { describe, expect, test } from "vitest";
import { chunksOf, type ContextOrder } from "./chunk-order.ts";
import { ringPlan, type RingStep } from "./ring-plan.ts";

const RANKS = [1, 2, 3, 4, 7];

function numBlocks(steps: readonly RingStep[]): number {
  return steps.reduce((count, { blocks }) => count + blocks.length, 0);
}

function blocksPerRank(order: ContextOrder, numRanks: number): number[] {
  return Array.from({ length: numRanks }, (_, rank) => numBlocks(ringPlan(order, rank, numRanks)));
}

describe("ringPlan", () => {
  test("is the picture, for rank 1 of 3", () => {
    const causal = { isCausal: true };
    const whole = { isCausal: false };
    expect(ringPlan("zigzag", 1, 3)).toEqual([
      {
        owner: 1,
        blocks: [
          { query: 0, key: 0, ...causal },
          { query: 1, key: 0, ...whole },
          { query: 1, key: 1, ...causal },
        ],
      },
      {
        owner: 0,
        blocks: [
          { query: 0, key: 0, ...whole },
          { query: 1, key: 0, ...whole },
        ],
      },
      {
        owner: 2,
        blocks: [
          { query: 1, key: 0, ...whole },
          { query: 1, key: 1, ...whole },
        ],
      },
    ]);
  });

  test.each(RANKS)("gives all of %i ranks the same number of blocks in zigzag order", (numRanks) => {
    expect(blocksPerRank("zigzag", numRanks)).toEqual(new Array(numRanks).fill(2 * numRanks + 1));
  });

  test.each(RANKS)("gives the last of %i ranks the most in contiguous order", (numRanks) => {
    expect(blocksPerRank("contiguous", numRanks)).toEqual(
      Array.from({ length: numRanks }, (_, rank) => 4 * rank + 3),
    );
  });

  test.each(["zigzag", "contiguous"] as const)("covers what causality shows exactly once, %s", (order) => {
    for (const numRanks of RANKS) {
      const numChunks = 2 * numRanks;
      const seen = Array.from({ length: numChunks }, () => new Array<string>(numChunks).fill("."));
      for (let rank = 0; rank < numRanks; rank++) {
        for (const { owner, blocks } of ringPlan(order, rank, numRanks)) {
          for (const { query, key, isCausal } of blocks) {
            const row = seen[chunksOf(order, rank, numRanks)[query]!]!;
            const column = chunksOf(order, owner, numRanks)[key]!;
            expect(row[column]).toBe(".");
            row[column] = isCausal ? "d" : "x";
          }
        }
      }
      const expected = seen.map((row, i) => row.map((_, j) => (j > i ? "." : j === i ? "d" : "x")));
      expect(seen).toEqual(expected);
    }
  });
});
