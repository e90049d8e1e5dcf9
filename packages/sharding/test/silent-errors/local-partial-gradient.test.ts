/**
 * A published kind of silent error: a gradient through `to_local` or `from_local` of a partial sum, or of a value that
 * every rank holds, is counted once per rank, or loses the other ranks' share. The loss goes down all the same.
 *
 * The gradient of a `Partial` is `Replicate`, that of a `Replicate` is `Partial`: every way of writing the same product
 * has the gradient of the dense one.
 *
 * See https://github.com/pytorch/pytorch/issues/172932 (`to_local` and `from_local` of a partial sum) and
 * https://github.com/pytorch/torchtitan/pull/2532 (`to_local` of a replica).
 */
import { createWorld } from "@meshwright/core";
import { expect, test } from "vitest";
import type program from "../programs/local-partial-gradient.ts";

const PROGRAM = new URL("../programs/local-partial-gradient.ts", import.meta.url);

test.each([1, 2, 3, 4])(
  "a gradient through local code of a partial sum is neither counted twice nor dropped, on %i ranks",
  async (ranks) => {
    const world = await createWorld({ ranks });
    const results = await world.run<typeof program>(PROGRAM, {}).finally(() => world.close());
    for (const { dense, ...ways } of results) {
      expect(Object.keys(ways)).toHaveLength(7);
      for (const [name, gradients] of Object.entries(ways)) {
        gradients.forEach((gradient, i) => {
          const expected = dense![i]!;
          const difference = Math.max(...gradient.map((value, at) => Math.abs(value - expected[at]!)));
          // Sums of at most 12 terms in another order; a wrong count would be wrong by half at least.
          expect([name, i, gradient.length, difference < 1e-6]).toEqual([name, i, expected.length, true]);
        });
      }
    }
  },
);
