import { LoadRecorder, loadReport, type LoadReport } from "@meshwright/moe";
import { describe, expect, expectTypeOf, test } from "vitest";
import type { ExpertLoadData } from "../expert-load-data.ts";
import { renderPage } from "../page.ts";
import type { ReportData } from "../report-data.ts";
import type { Section } from "../section.ts";
import { expertLoadSection } from "./expert-load.ts";

const page = (expertLoad?: LoadReport): string =>
  renderPage({ title: "t", command: "c", ...(expertLoad && { expertLoad }) }, [expertLoadSection]);

/** Two layers over 4 steps: the first, whose name must be escaped, goes to one of three experts, the second stays even. */
function report(dropped: number): LoadReport {
  const recorder = new LoadRecorder();
  for (const step of [1, 2, 3, 4]) {
    const collapsed = step === 1 ? [30, 30, 30] : [0, 90, 0];
    recorder.record({ layer: "<a>", step, counts: Int32Array.from(collapsed), dropped, tokens: 90 });
    recorder.record({ layer: "b", step, counts: Int32Array.of(20, 20), dropped: 0, tokens: 40 });
  }
  return loadReport(recorder.history, { thresholds: { window: 2 } });
}

/** The text of all cells, line by line. */
function cells(html: string): string[][] {
  return [...html.matchAll(/<tr>([^]*?)<\/tr>/g)].map(([, line = ""]) =>
    [...line.matchAll(/<t[hd][^>]*>([^]*?)<\/t[hd]>/g)].map(([, cell = ""]) => cell),
  );
}

/** How many shapes of the drawing `id` have the colour of a level. */
function shapes(html: string, id: string, level: number): number {
  const [drawing = ""] = html.split(`aria-labelledby="${id}-title`).slice(1);
  return drawing.split("</svg>")[0]!.split(`fill="var(--chart-load${level})"`).length - 1;
}

describe("the section on the load of experts", () => {
  const html = page(report(18));

  test("shows the figures of the last steps, layer by layer", () => {
    expect(cells(html)).toEqual([
      ["Layer", "Experts", "Imbalance", "Entropy", "Dropped", "Dead experts"],
      ["&lt;a&gt;", "3", "3.000", "0.000", "20.0%", "0, 2"],
      ["b", "2", "1.000", "1.000", "0.0%", "none"],
    ]);
    expect(html).toContain("Last 2 steps");
  });

  test("draws a cell per expert and step in the colour of its load", () => {
    for (const size of ["wide", "narrow"]) {
      expect([0, 4, 6].map((level) => shapes(html, `load-0-${size}`, level))).toEqual([6, 3, 3]); // 0, 1 and 3 times the mean
      expect([0, 4, 6].map((level) => shapes(html, `load-1-${size}`, level))).toEqual([0, 8, 0]);
    }
  });

  test("says in words what the chart shows, and has the warnings", () => {
    expect(html).toContain(
      "&lt;a&gt; sends tokens to 3 experts in steps 1 to 4. The imbalance goes from 1.00 to 3.00, the entropy from 1.000 to 0.000. Dead experts in the last 2 steps: 0, 2.",
    );
    const warnings = [...html.matchAll(/<p class="warning">([^<]*)<\/p>/g)].map(([, text]) => text);
    expect(warnings).toEqual([
      "&lt;a&gt;, step 3: experts 0, 2 (0.00, 0.00 of the mean load over 2 steps) should get at least 0.1; use a balancing loss or bias, or a larger one.",
      expect.stringContaining(
        "&lt;a&gt;, step 3: expert 1 (3.00 of the mean load over 2 steps) should get at most 2",
      ),
    ]);
  });

  test("draws the drop rate only where something is dropped", () => {
    expect(html.match(/drop rate/g)).toHaveLength(2); // once in each size, of the first layer only
    expect(page(report(0))).not.toContain("drop rate");
  });

  test("has no more cells than fit, however long the training was", () => {
    const recorder = new LoadRecorder();
    for (let step = 1; step <= 500; step++)
      recorder.record({ layer: "a", step, counts: Int32Array.of(9, 9), dropped: 0, tokens: 18 });
    const long = page(loadReport(recorder.history));
    expect(shapes(long, "load-0-wide", 4)).toBe(240);
    expect(shapes(long, "load-0-narrow", 4)).toBe(120);
  });

  test("is left out without layers, and goes beside the sections of a training report", () => {
    expect(page()).not.toContain("<section");
    expect(page({ layers: [], warnings: [] })).not.toContain("<section");
    expectTypeOf(expertLoadSection).toExtend<Section<ReportData & ExpertLoadData>>();
  });
});
