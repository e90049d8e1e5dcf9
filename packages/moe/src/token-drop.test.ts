import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dropRate, keepWithinCapacity, type DropPolicy } from "./token-drop.ts";

/** Three tokens with two choices each: experts 0 and 1; 1 and 0; 0 and 2. */
const CHOICES = {
  ...{ numTokens: 3, topK: 2, numExperts: 3 },
  experts: Int32Array.of(0, 1, 1, 0, 0, 2),
  weights: Float32Array.of(0.5, 0.4, 0.3, 0.25, 0.75, 0.25),
};

describe("dropping over capacity", () => {
  test.each<[DropPolicy, number, number[]]>([
    ["position", 1, [1, 1, 0, 0, 0, 1]],
    ["choice", 1, [1, 0, 1, 0, 0, 1]],
    ["probability", 1, [0, 1, 0, 0, 1, 1]],
    ["position", 2, [1, 1, 1, 1, 0, 1]],
    ["choice", 2, [1, 1, 1, 0, 1, 1]],
    ["probability", 2, [1, 1, 1, 0, 1, 1]],
    ["position", 3, [1, 1, 1, 1, 1, 1]],
  ])("by %s with capacity %i keeps %o", (policy, capacity, expected) => {
    expect([...keepWithinCapacity({ ...CHOICES, capacity, policy })]).toEqual(expected);
  });

  test("keeps the earlier of two equal weights", () => {
    const choices = { numTokens: 3, topK: 1, numExperts: 1, experts: new Int32Array(3) };
    const weights = Float32Array.of(0.5, 0.5, 0.5);
    expect([...keepWithinCapacity({ ...choices, weights, capacity: 2, policy: "probability" })]).toEqual([
      1, 1, 0,
    ]);
  });

  test("keeps min(asked, capacity) of every expert, by probability the largest", () => {
    const cases = fc.record({
      numTokens: fc.integer({ min: 0, max: 20 }),
      topK: fc.integer({ min: 1, max: 3 }),
      capacity: fc.integer({ min: 1, max: 9 }),
      policy: fc.constantFrom<DropPolicy[]>("position", "choice", "probability"),
      seed: fc.integer({ min: 0, max: 999 }),
    });
    fc.assert(
      fc.property(cases, ({ numTokens, topK, capacity, policy, seed }) => {
        const size = numTokens * topK;
        const experts = Int32Array.from({ length: size }, (_, i) => ((i + seed) * 7919) % 5);
        const weights = Float32Array.from({ length: size }, (_, i) => Math.sin(seed + i));
        const kept = keepWithinCapacity({
          numTokens,
          topK,
          numExperts: 5,
          experts,
          weights,
          capacity,
          policy,
        });
        for (let expert = 0; expert < 5; expert++) {
          const asked = [...experts.keys()].filter((pair) => experts[pair] === expert);
          const [inside, outside] = [asked.filter((p) => kept[p] === 1), asked.filter((p) => kept[p] === 0)];
          expect(inside).toHaveLength(Math.min(asked.length, capacity));
          if (policy !== "probability" || outside.length === 0) continue;
          const least = Math.min(...inside.map((pair) => weights[pair]!));
          expect(Math.max(...outside.map((pair) => weights[pair]!))).toBeLessThanOrEqual(least);
        }
      }),
      { seed: 6 },
    );
  });

  test("reports the share that is dropped", () => {
    expect(dropRate(Uint8Array.of(1, 0, 0, 1, 1, 1, 1, 1))).toBe(0.25);
    expect(dropRate(new Uint8Array(0))).toBe(0);
  });

  test("says what is wrong with capacity, weights and experts", () => {
    expect(() => keepWithinCapacity({ ...CHOICES, capacity: 0, policy: "position" })).toThrow(
      "keepWithinCapacity: capacity (0) must be an integer of at least 1; use expertCapacity, or no capacity to drop nothing.",
    );
    const { weights, ...unweighted } = CHOICES;
    expect(() => keepWithinCapacity({ ...unweighted, capacity: 1, policy: "probability" })).toThrow(
      'keepWithinCapacity: weights (missing) must hold one weight per choice (6) for policy "probability"; use the router\'s weights, or policy "position".',
    );
    const broken = weights.map((weight, pair) => (pair === 4 ? NaN : weight));
    expect(() =>
      keepWithinCapacity({ ...CHOICES, weights: broken, capacity: 1, policy: "probability" }),
    ).toThrow(
      "keepWithinCapacity: weights[4] (NaN) must be a number, or the order is undefined; use finite logits (a smaller learning rate, or the z-loss).",
    );
    const experts = Int32Array.of(0, 1, 3, 0, 0, 2);
    expect(() => keepWithinCapacity({ ...CHOICES, experts, capacity: 1, policy: "choice" })).toThrow(
      "keepWithinCapacity: experts[2] (3) must be in 0..2; use the index of one of the 3 experts.",
    );
  });
});
