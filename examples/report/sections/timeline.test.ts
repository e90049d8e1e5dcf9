import type { Timeline, TimelineEvent } from "@meshwright/pipeline";
import { describe, expect, expectTypeOf, test } from "vitest";
import { renderPage } from "../page.ts";
import type { ReportData } from "../report-data.ts";
import type { Section } from "../section.ts";
import type { TimelineData, Timelines } from "../timeline-data.ts";
import { timelineSection } from "./timeline.ts";

/** Two ranks that take one micro-batch forward and back; F takes `forward`, B twice that. */
function step(name: string, forward: number, more: Partial<Timeline> = {}): Timeline {
  const event = (rank: number, kind: "F" | "B", start: number): TimelineEvent => ({
    ...{ rank, kind, microBatch: 0, stage: rank, chunk: 0 },
    start: start * forward,
    end: (start + (kind === "F" ? 1 : 2)) * forward,
  });
  const events = [event(0, "F", 0), event(1, "F", 1), event(1, "B", 2), event(0, "B", 4)];
  return { name, unit: "ms", numRanks: 2, makespan: 6 * forward, events, ...more };
}

const page = (timelines?: Timelines): string =>
  renderPage({ title: "t", command: "c", ...(timelines === undefined ? {} : { timelines }) }, [
    timelineSection,
  ]);

/** The text of all cells, line by line. */
function cells(html: string): string[][] {
  return [...html.matchAll(/<tr>([^]*?)<\/tr>/g)].map(([, line = ""]) =>
    [...line.matchAll(/<t[hd][^>]*>([^]*?)<\/t[hd]>/g)].map(([, cell = ""]) => cell),
  );
}

const ids = (html: string) => [...html.matchAll(/<svg [^>]*?\bid="([^"]*)"/g)].map(([, id]) => id);

describe("the timeline section", () => {
  test("shows predicted above measured on one scale, for wide and for narrow screens", () => {
    const html = page({ predicted: step("1f1b, simulated", 2), measured: step("1f1b, <measured>", 2.5) });
    expect(ids(html)).toEqual(["timeline-0-wide", "timeline-0-narrow"]);
    expect(html).toContain('<div class="chart wide"><svg ');
    expect(html).toContain('<div class="chart narrow"><svg ');
    expect(html.indexOf(">1f1b, simulated</text>")).toBeLessThan(
      html.indexOf(">1f1b, &lt;measured&gt;</text>"),
    );
    expect(html.match(/<rect [^>]*><title>/g)).toHaveLength(8); // boxes of the wide drawing alone tell what they are
  });

  test("shows the figures and their ratio", () => {
    const late = step("1f1b, measured", 2, { makespan: 16 });
    expect(cells(page({ predicted: step("1f1b, simulated", 2), measured: late }))).toEqual([
      ["Figure", "Predicted", "Measured", "Measured / predicted"],
      ["Makespan", "12 ms", "16 ms", "1.333"],
      ["Bubble, whole step", "50.0%", "62.5%", "1.250"],
      ["Bubble, own span", "33.3%", "33.3%", "1.000"],
      ["Efficiency", "50.0%", "37.5%", "0.750"],
    ]);
  });

  test("a prediction in abstract costs has a scale of its own, and times no ratio", () => {
    const html = page({ predicted: step("simulated", 1, { unit: "cost" }), measured: step("measured", 2) });
    expect(ids(html)).toEqual([
      "timeline-0-wide",
      "timeline-0-narrow",
      "timeline-1-wide",
      "timeline-1-narrow",
    ]);
    expect(cells(html)[1]).toEqual(["Makespan", "6 cost", "12 ms", "–"]);
    expect(cells(html)[2]?.at(-1)).toBe("1.000");
  });

  test("a measured step alone has no ratio", () => {
    expect(cells(page({ measured: step("measured", 2) })).slice(0, 2)).toEqual([
      ["Figure", "Measured"],
      ["Makespan", "12 ms"],
    ]);
  });

  test("a ratio to nothing is left out", () => {
    const one = (name: string): Timeline => ({
      ...{ name, unit: "ms", numRanks: 1, makespan: 3 },
      events: [{ rank: 0, kind: "F", microBatch: 0, stage: 0, chunk: 0, start: 0, end: 3 }],
    });
    expect(cells(page({ predicted: one("a"), measured: one("b") }))[2]).toEqual([
      "Bubble, whole step",
      "0.0%",
      "0.0%",
      "–",
    ]);
  });

  test("is left out without timelines, and goes beside the sections of a training report", () => {
    expect(page()).not.toContain("<section");
    expectTypeOf(timelineSection).toExtend<Section<ReportData & TimelineData>>();
  });
});
