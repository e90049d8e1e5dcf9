/**
 * A published silent error: with the vocabulary split, label smoothing averages the log-probabilities of the rank's own
 * classes, so that the loss depends on the number of ranks, and ranks see different losses. Nothing fails.
 *
 * See https://github.com/NVIDIA/Megatron-LM/issues/737.
 */
import { createWorld } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import type program from "../programs/smoothed-loss.ts";

const PROGRAM = new URL("../programs/smoothed-loss.ts", import.meta.url);

const [NUM_TOKENS, NUM_CLASSES] = [4, 7];
const logits = Array.from({ length: NUM_TOKENS * NUM_CLASSES }, (_, i) => Math.fround(4 * Math.sin(1.7 * i)));
const labels = [6, 2, -100, 3];
const OPTIONS = { labelSmoothing: 0.2, ignoreIndex: -100, zLoss: 0.01 };

/** Log-probabilities of one token, and the logarithm of its normaliser. */
function logSoftmax(token: number): { readonly values: number[]; readonly logSumExp: number } {
  const row = logits.slice(token * NUM_CLASSES, (token + 1) * NUM_CLASSES);
  const logSumExp = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
  return { values: row.map((x) => x - logSumExp), logSumExp };
}

/** The mean loss where the smoothing share is averaged over the classes `from..to-1`. */
function expectedLoss(from: number, to: number): number {
  const counted = labels.flatMap((label, token) => (label === OPTIONS.ignoreIndex ? [] : [{ label, token }]));
  const total = counted.reduce((sum, { label, token }) => {
    const { values, logSumExp } = logSoftmax(token);
    const mean = values.slice(from, to).reduce((a, b) => a + b, 0) / (to - from);
    const smoothed = (1 - OPTIONS.labelSmoothing) * values[label]! + OPTIONS.labelSmoothing * mean;
    return sum - smoothed + OPTIONS.zLoss * logSumExp ** 2;
  }, 0);
  return total / counted.length;
}

/** `(1 + 2 c z) p - (1 - e) onehot - e / V`, over the number of tokens that count. */
function expectedGradient(): number[] {
  const { labelSmoothing, zLoss, ignoreIndex } = OPTIONS;
  const numCounted = labels.filter((label) => label !== ignoreIndex).length;
  return labels.flatMap((label, token) => {
    const { values, logSumExp } = logSoftmax(token);
    return values.map((logProbability, j) => {
      if (label === ignoreIndex) return 0;
      const target = (j === label ? 1 - labelSmoothing : 0) + labelSmoothing / NUM_CLASSES;
      return ((1 + 2 * zLoss * logSumExp) * Math.exp(logProbability) - target) / numCounted;
    });
  });
}

describe("label smoothing with a split vocabulary", () => {
  // 7 classes give 4, 3 on 2 ranks, 3, 3, 1 on 3, and 2, 2, 2, 1, 0 on 5: uneven and empty shards.
  test.each([2, 3, 5])(
    "averages over all classes on %i ranks, and every rank sees the same loss",
    async (numRanks) => {
      const world = await createWorld({ ranks: numRanks });
      const ranks = await world
        .run<typeof program>(PROGRAM, { logits, labels, ...OPTIONS })
        .finally(() => world.close());
      const right = expectedLoss(0, NUM_CLASSES);
      const gradient = expectedGradient();
      for (const found of ranks) {
        expect(found.loss).toBeCloseTo(right, 5);
        found.gradient.forEach((value, i) => {
          expect(value).toBeCloseTo(gradient[i]!, 6);
        });
        // The logits and their gradient stay split: two reductions of a few numbers per token, none backward.
        expect(found.gradientPlacement).toBe('{"kind":"shard","dim":1}');
        expect(found.collectives).toEqual([
          { collective: "allReduce", elements: NUM_TOKENS },
          { collective: "allReduce", elements: 3 * NUM_TOKENS },
        ]);
      }
      expect(new Set(ranks.map(({ loss }) => loss)).size).toBe(1);
      // What the error would give differs by far more than the tolerance above.
      const width = Math.ceil(NUM_CLASSES / numRanks);
      expect(Math.abs(expectedLoss(0, width) - right)).toBeGreaterThan(0.01);
    },
  );
});
