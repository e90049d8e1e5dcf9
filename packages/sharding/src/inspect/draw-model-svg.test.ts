import { describe, expect, test } from "vitest";
import { resolvePlan } from "../parallelize/resolve-plan.ts";
import { Replicate, Shard } from "../placement.ts";
import { drawModelSvg } from "./draw-model-svg.ts";
import { elements, isWellFormed } from "./testing/svg.ts";

function summaryOn(shape: readonly number[]) {
  const mesh = { axisNames: ["dp", "tp"], shape };
  const parameters = [
    { name: "blocks.0.up", shape: [4, 7] },
    { name: "blocks.1.up", shape: [4, 7] },
    { name: "norm", shape: [4] },
  ];
  const plan = { "blocks.*.up": { tp: Shard(1) }, "**": Replicate() };
  return { mesh, ...resolvePlan(plan, { where: "test", mesh, parameters, modules: new Map() }) };
}

const widths = (svg: string, name: string): number[] =>
  elements(svg, "rect")
    .filter((rect) => rect.class === name)
    .map(({ width }) => Number(width));

describe("drawModelSvg", () => {
  test("has a bar per rank and parameter, as long as the rank's share of the whole", () => {
    const svg = drawModelSvg(summaryOn([1, 2]), { barWidth: 280 });
    expect(isWellFormed(svg)).toBe(true);
    // Two [4, 7] are 224 bytes: ranks hold 4 and 3 of 7 columns. The model's bar has its own scale.
    expect(widths(svg, "whole")).toEqual([280, 20, 280]);
    expect(widths(svg, "r0").slice(0, 2)).toEqual([160, 20]);
    expect(widths(svg, "r1").slice(0, 2)).toEqual([120, 20]);
    expect(widths(svg, "r0")[2]).toBeCloseTo((280 * (128 + 16)) / 240, 1);
    expect(svg).toContain(">blocks.*.up x2<");
    expect(svg).toContain(">96 B to 128 B of 224 B<");
    expect(svg).toContain(">16 B<");
    expect(svg).toContain(">112 B to 144 B of 240 B<");
    expect(svg).toContain(
      '<desc id="model-desc">3 parameters on { dp: 1, tp: 2 }: 112 B to 144 B of 240 B per rank.</desc>',
    );
  });

  test("of many ranks only the fullest and the emptiest are drawn", () => {
    const svg = drawModelSvg(summaryOn([3, 4]), { id: "many" });
    expect(svg).toContain(">rank 0 of 12<");
    expect(svg).toContain(">rank 11 of 12<");
    expect(svg).not.toContain(">rank 1 of 12<");
  });

  test("draws a model without parameters", () => {
    const svg = drawModelSvg({ ...summaryOn([1, 2]), parameters: [] });
    expect(isWellFormed(svg)).toBe(true);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  test("refuses an id that is none", () => {
    expect(() => drawModelSvg(summaryOn([1, 2]), { id: "a b" })).toThrow(
      'drawModelSvg: id ("a b") must be a letter and then letters, digits, "-" and "_"; use "layout".',
    );
  });
});
