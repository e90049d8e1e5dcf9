import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chunk } from "../layout.ts";
import { mostSent, transfersBetween, type Run } from "./runs.ts";

const run: fc.Arbitrary<{
  size: number;
  outputSize: number;
  run: Required<Pick<Run, "from" | "step" | "to" | "length">>;
}> = fc
  .record({
    from: fc.nat(9),
    step: fc.constantFrom(1, 2, 3, -1, -2),
    to: fc.nat(5),
    length: fc.nat(6),
    rest: fc.nat(4),
  })
  .map(({ from, step, to, length, rest }) => {
    const last = from + Math.max(0, length - 1) * step;
    const shift = Math.max(0, -last);
    return {
      size: Math.max(from, last) + shift + 1 + rest,
      outputSize: to + length + rest,
      run: { from: from + shift, step, to, length },
    };
  });

describe("Transfers of a dim", () => {
  test("carry every element of a run once, from the rank that has it to the one that wants it", () => {
    fc.assert(
      fc.property(run, fc.integer({ min: 1, max: 4 }), ({ size, outputSize, run: one }, parts) => {
        const plan = { runs: [one], inputSizes: [size], outputSizes: [outputSize] };
        const carried: [number, number][] = [];
        for (let sender = 0; sender < parts; sender++) {
          for (let receiver = 0; receiver < parts; receiver++) {
            const source = chunk(size, parts, sender);
            const target = chunk(outputSize, parts, receiver);
            for (const { from, step, to, length } of transfersBetween(plan, parts, sender, receiver)) {
              for (let k = 0; k < length; k++) {
                expect(from + k * step).toBeGreaterThanOrEqual(0);
                expect(from + k * step).toBeLessThan(source.size);
                expect(to + k).toBeLessThan(target.size);
                carried.push([source.start + from + k * step, target.start + to + k]);
              }
            }
          }
        }
        carried.sort((a, b) => a[1] - b[1]);
        const wanted = Array.from({ length: one.length }, (_, k) => [one.from + k * one.step, one.to + k]);
        expect(carried).toEqual(wanted);
      }),
      { numRuns: 500, seed: 20262 },
    );
  });

  test("the busiest rank counts, and what stays does not", () => {
    const reverse = { runs: [{ from: 6, step: -1, to: 0, length: 7 }], inputSizes: [7], outputSizes: [7] };
    // 0 1 2 3 | 4 5 6 becomes 6 5 4 3 | 2 1 0: rank 0 keeps element 3.
    expect(mostSent(reverse, 2)).toBe(3);
    expect(mostSent(reverse, 1)).toBe(0);
    const start = { runs: [{ from: 0, to: 0, length: 5 }], inputSizes: [8], outputSizes: [5] };
    // 0 1 2 3 | 4 5 6 7 becomes 0 1 2 | 3 4.
    expect(mostSent(start, 2)).toBe(1);
  });
});
