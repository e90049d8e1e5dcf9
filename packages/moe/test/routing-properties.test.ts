import { startEngine } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { sequenceSwitchLoss, switchLoss } from "../src/balance-losses.ts";
import { expertCapacity } from "../src/capacity.ts";
import { chooseExperts } from "../src/choose-experts.ts";
import { forcedExperts } from "../src/forced-balance.ts";
import { orderByExpert, planPermutation, type Permutation } from "../src/permutation.ts";
import { permuteTokens, unpermuteTokens } from "../src/permute.ts";
import { resolveChoice } from "../src/router-options.ts";
import { keepWithinCapacity, type DropPolicy } from "../src/token-drop.ts";

// Quotients and softmax of powers of two are exact here; TensorFlow rounds them.
beforeAll(() => startEngine({ prefer: "wasm" }));

const SEED = 6;

/** Different experts for each token, weights with ties, tokens on 1 to 4 ranks by the `ceil(n / p)` rule. */
const batches = fc
  .record({
    ranks: fc.integer({ min: 1, max: 4 }),
    perRank: fc.integer({ min: 1, max: 3 }),
    numTokens: fc.integer({ min: 0, max: 13 }),
  })
  .chain(({ ranks, perRank, numTokens }) => {
    const numExperts = ranks * perRank;
    return fc.integer({ min: 1, max: Math.min(3, numExperts) }).chain((topK) =>
      fc.record({
        ...{ ranks: fc.constant(ranks), numExperts: fc.constant(numExperts), topK: fc.constant(topK) },
        tokens: fc.array(
          fc.record({
            experts: fc.shuffledSubarray(
              Array.from({ length: numExperts }, (_, expert) => expert),
              { minLength: topK, maxLength: topK },
            ),
            weights: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: topK, maxLength: topK }),
          }),
          { minLength: numTokens, maxLength: numTokens },
        ),
        policy: fc.constantFrom<DropPolicy[]>("position", "choice", "probability"),
        factor: fc.constantFrom(0.25, 0.5, 1, 1.5, 4),
      }),
    );
  });

describe("tokens that are dropped and dispatched", () => {
  test("arrive once if they are kept, at their expert, in order, within its capacity, and come back", () => {
    fc.assert(
      fc.property(batches, ({ ranks, numExperts, topK, tokens, policy, factor }) => {
        const numTokens = tokens.length;
        const experts = Int32Array.from(tokens.flatMap((token) => token.experts));
        const weights = Float32Array.from(tokens.flatMap((token) => token.weights));
        const capacity = expertCapacity({ tokens: numTokens, topK, experts: numExperts, factor });
        const choices = { experts, numTokens, topK, numExperts };
        const kept = keepWithinCapacity({ ...choices, weights, capacity, policy });

        const perRank = Math.ceil(numTokens / ranks);
        const cut = (rank: number): number => Math.min(rank * perRank, numTokens);
        const plans = Array.from({ length: ranks }, (_, rank) => {
          const [from, to] = [cut(rank) * topK, cut(rank + 1) * topK];
          const own = { experts: experts.slice(from, to), kept: kept.slice(from, to) };
          return planPermutation({ ...own, numTokens: cut(rank + 1) - cut(rank), topK, numExperts });
        });
        const arrived = dispatch(plans, { numExperts, firstPair: (rank) => cut(rank) * topK });

        const everyPair = arrived.flatMap(({ pairs }) => pairs);
        const keptPairs = [...kept.keys()].filter((pair) => kept[pair] === 1);
        expect(everyPair.toSorted((a, b) => a - b)).toEqual(keptPairs);
        arrived.forEach(({ expert, pairs }) => {
          expect(pairs.every((pair) => experts[pair] === expert)).toBe(true);
          expect(pairs).toEqual(pairs.toSorted((a, b) => a - b));
          expect(pairs.length).toBeLessThanOrEqual(capacity);
          const asked = experts.reduce((sum, one) => sum + Number(one === expert), 0);
          expect(pairs).toHaveLength(Math.min(asked, capacity));
        });
        // Every row goes back to the place from which it came.
        plans.forEach(({ pairs, rowOf }) => {
          expect([...pairs].map((pair) => rowOf[pair])).toEqual([...pairs.keys()]);
        });
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  test("are what they were after permute and unpermute, and so are both gradients", () => {
    fc.assert(
      fc.property(batches, ({ numExperts, topK, tokens }) => {
        const numTokens = tokens.length;
        const experts = Int32Array.from(tokens.flatMap((token) => token.experts));
        const plan = planPermutation({ experts, numTokens, topK, numExperts });
        const before = tf.memory().numTensors;
        tf.tidy(() => {
          const whole = (seed: number, columns: number): tf.Tensor2D =>
            tf.tensor2d(
              Float32Array.from({ length: numTokens * columns }, (_, i) => ((seed + 7 * i) % 11) - 5),
              [numTokens, columns],
            );
          const [x, dz] = [whole(1, 3), whole(2, 3)];
          // Powers of two that add up to 1: 1, or 1/2 + 1/2, or 1/2 + 1/4 + 1/4. All sums are exact.
          const shares = [[1], [0.5, 0.5], [0.5, 0.25, 0.25]][topK - 1]!;
          const w = tf.tensor2d(Array.from({ length: numTokens }, () => shares).flat(), [numTokens, topK]);
          const visit = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
            unpermuteTokens(permuteTokens(a, plan), b, plan);
          expect([...visit(x, w).dataSync()]).toEqual([...x.dataSync()]);
          const [dx, dw] = tf.grads((a, b) => visit(a, b))([x, w], dz);
          expect([...dx!.dataSync()]).toEqual([...dz.dataSync()]);
          const products = tf.sum(tf.mul(dz, x), 1, true);
          expect([...dw!.dataSync()]).toEqual([...tf.tile(products, [1, topK]).dataSync()]);
        });
        expect(tf.memory().numTensors).toBe(before);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });
});

/** What every expert gets: pairs, numbered over all ranks, in the order in which the expert's rank sorts them. */
function dispatch(
  plans: readonly Permutation[],
  { numExperts, firstPair }: { readonly numExperts: number; readonly firstPair: (rank: number) => number },
): readonly { readonly expert: number; readonly pairs: number[] }[] {
  const perRank = numExperts / plans.length;
  return plans.flatMap((_, rank) => {
    const first = rank * perRank;
    // What the all-to-all brings, rank by rank; each piece is sorted by expert.
    const pieces = plans.map(({ pairs, counts }, from) => {
      const start = counts.subarray(0, first).reduce((sum, count) => sum + count, 0);
      const own = counts.subarray(first, first + perRank);
      const numRows = own.reduce((sum, count) => sum + count, 0);
      return {
        own,
        pairs: [...pairs.subarray(start, start + numRows)].map((pair) => firstPair(from) + pair),
      };
    });
    const received = Int32Array.from(pieces.flatMap(({ own }) => [...own]));
    const { order, counts } = orderByExpert(received, perRank);
    const arrived = pieces.flatMap(({ pairs }) => pairs);
    const sorted = [...order].map((row) => arrived[row]!);
    let at = 0;
    return [...counts].map((count, expert) => ({
      expert: first + expert,
      pairs: sorted.slice(at, (at += count)),
    }));
  });
}

describe("the choice of experts", () => {
  test("takes the largest scores, of equal ones the lower expert, in every convention", () => {
    const cases = fc
      .record({ numTokens: fc.integer({ min: 1, max: 6 }), numExperts: fc.integer({ min: 1, max: 9 }) })
      .chain(({ numTokens, numExperts }) =>
        fc.record({
          ...{ numTokens: fc.constant(numTokens), numExperts: fc.constant(numExperts) },
          topK: fc.integer({ min: 1, max: numExperts }),
          // Few levels, far apart: many ties, and no two scores that rounding makes equal.
          levels: fc.array(fc.integer({ min: -2, max: 2 }), {
            minLength: numTokens * numExperts,
            maxLength: numTokens * numExperts,
          }),
          convention: fc.constantFrom(
            { scoreFunction: "softmax", order: "chooseFirst" } as const,
            { scoreFunction: "softmax", order: "scoreFirst" } as const,
            { scoreFunction: "sigmoid" } as const,
            { scoreFunction: "softmax", order: "scoreFirst", groups: { count: 1, perToken: 1 } } as const,
          ),
        }),
      )
      // A single choice must not be made first: its weight would be 1 whatever the gate says.
      .filter(
        ({ topK, convention }) => topK > 1 || !("order" in convention && convention.order === "chooseFirst"),
      );
    fc.assert(
      fc.property(cases, ({ numTokens, numExperts, topK, levels, convention }) => {
        tf.tidy(() => {
          const logits = tf.tensor2d(levels, [numTokens, numExperts], "float32");
          const choice = resolveChoice("test", { numExperts, topK, ...convention });
          const { experts, assignment, scores } = chooseExperts(logits, choice);
          const expected = Array.from({ length: numTokens }, (_, token) => {
            const row = levels.slice(token * numExperts, (token + 1) * numExperts);
            return [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b).slice(0, topK);
          });
          expect(experts.arraySync()).toEqual(expected);
          const hot = expected
            .flat()
            .flatMap((one) => Array.from({ length: numExperts }, (_, e) => +(e === one)));
          expect([...assignment.dataSync()]).toEqual(hot);
          // float32 shares of at most 9 experts.
          for (const sum of tf.sum(scores, 1).dataSync()) expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
        });
      }),
      { seed: SEED, numRuns: 100 },
    );
  });

  test("that is uniform costs exactly the coefficient, per batch, per sequence and with the counts of a step", () => {
    const cases = fc.record({
      // With powers of two every quotient, product and sum is exact.
      log2Experts: fc.integer({ min: 0, max: 6 }),
      log2TopK: fc.integer({ min: 0, max: 2 }),
      log2Rounds: fc.integer({ min: 0, max: 2 }),
      log2Sequences: fc.integer({ min: 0, max: 2 }),
      coefficient: fc.integer({ min: 0, max: 4096 }).map((n) => n / 1024),
    });
    fc.assert(
      fc.property(cases, ({ log2Experts, log2TopK, log2Rounds, log2Sequences, coefficient }) => {
        const [numExperts, sequences] = [2 ** log2Experts, 2 ** log2Sequences];
        const topK = Math.min(2 ** log2TopK, numExperts);
        // Per sequence the round robin ends where it began.
        const numTokens = ((numExperts * 2 ** log2Rounds) / topK) * sequences;
        tf.tidy(() => {
          const scores = tf.softmax(tf.zeros([numTokens, numExperts]));
          const experts = forcedExperts(numTokens, { numExperts, topK });
          const routing = { scores, experts };
          const counts = tf.fill([numExperts], 3);
          const losses = [
            switchLoss(routing, { coefficient }),
            switchLoss(routing, { coefficient, counts }),
            sequenceSwitchLoss(routing, { coefficient, sequences }),
          ];
          expect(losses.map((loss) => loss.dataSync()[0])).toEqual([coefficient, coefficient, coefficient]);
        });
      }),
      { seed: SEED, numRuns: 60 },
    );
  });
});
