import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { LayerWatch, loadWarnings, type LoadThresholds, type LoadWarning } from "./load-watch.ts";

/** The warnings of a layer whose steps, from 1 on, have these loads. */
function warningsOf(steps: readonly (readonly number[])[], thresholds: LoadThresholds): LoadWarning[] {
  const loads = steps.map((counts, i) => ({ step: i + 1, counts, dropped: 0, tokens: 0 }));
  return loadWarnings([{ layer: "blocks.1.moe", numExperts: steps[0]!.length, steps: loads }], thresholds);
}

const times = (n: number, counts: readonly number[]): (readonly number[])[] =>
  Array.from({ length: n }, () => counts);

const EVEN = [100, 100, 100, 100];
const STARVED = [132, 131, 132, 5];
const HOT = [220, 60, 60, 60];

describe("warnings of a load", () => {
  test("an even load causes none", () => {
    expect(warningsOf(times(50, EVEN), { window: 3 })).toEqual([]);
  });

  test("an expert below a tenth of the mean starves, which is said once, when the window is full", () => {
    expect(warningsOf(times(9, STARVED), { window: 3 })).toEqual([
      {
        kind: "starving",
        layer: "blocks.1.moe",
        step: 3,
        experts: [3],
        message:
          "blocks.1.moe, step 3: expert 3 (0.05 of the mean load over 3 steps) should get at least 0.1; use a balancing loss or bias, or a larger one.",
      },
    ]);
  });

  test("an expert above twice the mean is hot", () => {
    const [warning, ...rest] = warningsOf(times(9, HOT), { window: 2 });
    expect(rest).toEqual([]);
    expect(warning).toMatchObject({ kind: "hot", step: 2, experts: [0] });
    expect(warning!.message).toBe(
      "blocks.1.moe, step 2: expert 0 (2.20 of the mean load over 2 steps) should get at most 2; use a balancing loss or bias, or a larger one, and a capacity to bound the time of a step.",
    );
  });

  test("both at once are two warnings, and several experts one", () => {
    const warnings = warningsOf(times(4, [300, 96, 2, 2]), { window: 1 });
    expect(warnings.map(({ kind, experts }) => [kind, experts])).toEqual([
      ["starving", [2, 3]],
      ["hot", [0]],
    ]);
    expect(warnings[0]!.message).toContain("experts 2, 3 (0.02, 0.02 of the mean load");
  });

  test("a new episode warns again, but only after the load was half way back", () => {
    const almost = [115, 115, 120, 50]; // expert 3 at 0.5: above 0.1, below (1 + 0.1) / 2
    const back = [113, 113, 114, 60];
    const steps = (between: readonly number[]) => [STARVED, STARVED, between, STARVED, STARVED];
    const at = (between: readonly number[]) =>
      warningsOf(steps(between), { window: 1 }).map(({ step }) => step);
    expect(at(almost)).toEqual([1]);
    expect(at(back)).toEqual([1, 4]);
  });

  test("one odd step in the window is no episode", () => {
    expect(warningsOf([...times(5, EVEN), STARVED, ...times(5, EVEN)], { window: 3 })).toEqual([]);
    expect(warningsOf([...times(5, EVEN), STARVED, ...times(5, EVEN)], { window: 1 })).toHaveLength(1);
  });

  test("too few tokens to tell chance from starvation cause none", () => {
    const scarce = [3, 3, 0];
    expect(warningsOf(times(9, scarce), { window: 9 })).toEqual([]); // 18 per expert
    expect(warningsOf(times(10, scarce), { window: 10 })).toHaveLength(1); // 20 per expert
  });

  test("thresholds that are wrong are all named at once", () => {
    expect(() => new LayerWatch("moe", { starving: 1, hot: 0.5, window: 1.5 })).toThrow(
      new ContractError(
        [
          "LayerWatch:",
          "- starving (1) must be in (0, 1); use for example starving: 0.1.",
          "- hot (0.5) must be finite and above 1; use for example hot: 2.",
          "- window (1.5) must be a positive integer of steps; use for example window: 20.",
        ].join("\n"),
      ),
    );
  });
});
