import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import type { Timeline } from "../timeline-record.ts";
import { drawSvg } from "./draw-svg.ts";
import { gpipeTimeline, zeroBubbleTimeline } from "./timelines.fixture.ts";

/** All elements of a name, as their attributes. */
function elements(svg: string, name: string): Record<string, string>[] {
  return [...svg.matchAll(new RegExp(`<${name}((?: [\\w-]+="[^"]*")*)/?>`, "g"))].map(([, attributes = ""]) =>
    Object.fromEntries(
      [...attributes.matchAll(/ ([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]),
    ),
  );
}

/** The boxes of one kind and chunk: `[x, y, width]`, in the order of the ranks. */
function boxes(svg: string, name: string): number[][] {
  const groups = svg.match(new RegExp(`<g class="box ${name}"[^]*?</g>`, "g")) ?? [];
  return elements(groups.join(""), "rect").map(({ x, y, width }) => [Number(x), Number(y), Number(width)]);
}

/** Every element that is opened is closed, in order. */
function isWellFormed(xml: string): boolean {
  const open: string[] = [];
  for (const [, close, name, selfClosed] of xml.matchAll(/<(\/?)([a-z]+)(?: [\w-]+="[^"<]*")*(\/?)>/g)) {
    if (close === "/") {
      if (open.pop() !== name) return false;
    } else if (selfClosed === "") open.push(name!);
  }
  return open.length === 0 && xml.replaceAll(/<[^<>]*>/g, "").search(/[<>]/) === -1;
}

const twoChunks: Timeline = {
  name: "two chunks",
  unit: "cost",
  numRanks: 1,
  makespan: 4,
  events: [
    { rank: 0, kind: "F", microBatch: 0, stage: 0, chunk: 0, start: 0, end: 1 },
    { rank: 0, kind: "F", microBatch: 0, stage: 1, chunk: 1, start: 2, end: 4 },
  ],
};

describe("drawSvg", () => {
  test("boxes lie on one scale of time, a row per rank", () => {
    const svg = drawSvg([gpipeTimeline], { width: 960 });
    const [first, second] = boxes(svg, "F0");
    const unit = first![2]!;
    expect(unit).toBeGreaterThan(55);
    expect(second![0]! - first![0]!).toBeCloseTo(unit, 1);
    expect(boxes(svg, "F0")).toHaveLength(9);
    const [backward] = boxes(svg, "B0");
    expect(backward![2]).toBeCloseTo(2 * unit, 1);
    expect(backward![0]! - first![0]!).toBeCloseTo(9 * unit, 1);
    const rows = new Set(boxes(svg, "B0").map(([, y]) => y));
    expect([...rows]).toEqual([30, 55, 80]);
  });

  test("idle time is a box of its own color below the work, as long as the step", () => {
    const svg = drawSvg([gpipeTimeline, { ...zeroBubbleTimeline, makespan: 15 }]);
    const [first, ...others] = elements(svg, "rect").filter((rect) => rect.class === "idle");
    expect(others).toHaveLength(3 + 2); // ranks 1 and 2, the other timeline's, and the legend
    const unit = boxes(svg, "F0")[0]![2]!;
    expect(Number(first!.width)).toBeCloseTo(15 * unit, 0);
  });

  test("two timelines share the scale and the axis", () => {
    const measured: Timeline = { ...zeroBubbleTimeline, name: "measured", makespan: 10 };
    const svg = drawSvg([gpipeTimeline, measured]);
    const inputs = boxes(svg, "I0");
    expect(inputs[0]![0]! - boxes(svg, "F0")[0]![0]!).toBeCloseTo(3 * boxes(svg, "F0")[0]![2]!, 1);
    expect(inputs[0]![1]).toBeGreaterThan(boxes(svg, "B0").at(-1)![1]!);
    expect(svg.match(/>0 cost</g)).toHaveLength(1);
    expect(svg).toContain(">makespan 15 cost, bubble 40.0%<");
    expect(svg).toContain(">makespan 10 cost, bubble 10.0%<");
  });

  test("chunks have shades, in the boxes and in the legend", () => {
    const svg = drawSvg([twoChunks]);
    expect(boxes(svg, "F0")).toHaveLength(1);
    expect(boxes(svg, "F1")).toHaveLength(1);
    const [light] = /#timeline\{[^}]*\}/.exec(svg)!;
    const shades = [...light.matchAll(/--mw-F\d:(#\w+)/g)].map(([, color]) => color);
    expect(shades).toHaveLength(2);
    expect(new Set(shades).size).toBe(2);
    expect(svg).toContain(">forward, chunk 0 to 1<");
    expect(svg).toContain("F0:1 on rank 0, stage 1: 2 cost to 4 cost");
  });

  test("numbers stand only where they fit", () => {
    const events = gpipeTimeline.events.map((event) => ({ ...event, microBatch: event.microBatch + 10 }));
    const numbers = (width: number) => {
      const groups = drawSvg([{ ...gpipeTimeline, events }], { width }).match(/<g class="number"[^]*?<\/g>/g);
      return elements(groups?.join("") ?? "", "text");
    };
    expect(numbers(960)).toHaveLength(18);
    expect(numbers(220)).toHaveLength(9); // in the boxes of B, which are twice as wide
  });

  test("is for readers and for eyes: title, description, light and dark", () => {
    const svg = drawSvg([gpipeTimeline], { id: "a1", title: "GPipe & <friends>" });
    expect(elements(svg, "svg")).toEqual([
      expect.objectContaining({ id: "a1", role: "img", "aria-labelledby": "a1-title a1-desc" }),
    ]);
    expect(svg).toContain('<title id="a1-title">GPipe &amp; &lt;friends&gt;</title>');
    expect(svg).toContain('<desc id="a1-desc">gpipe: 3 ranks, makespan 15 cost, bubble 40.0%.</desc>');
    expect(svg).toContain("@media (prefers-color-scheme:dark){#a1{");
    const [, style = ""] = /<style>([^]*?)<\/style>/.exec(svg)!;
    const rules = style.split("\n").filter((rule) => !rule.startsWith("@media"));
    expect(rules.every((rule) => rule.startsWith("#a1"))).toBe(true);
    const used = new Set([...svg.matchAll(/var\((--[\w-]+)\)/g)].map(([, name]) => name!));
    for (const name of used) expect(style.split(`${name}:`)).toHaveLength(3); // once per mode
  });

  test("asks for nothing from elsewhere and is well-formed", () => {
    const hostile = { ...gpipeTimeline, name: `a\u0000b <script>"&" ]]>` };
    const svg = drawSvg([hostile, gpipeTimeline]);
    expect(svg).not.toMatch(/<script|href|url\(|@import|http:\/\/(?!www\.w3\.org\/2000\/svg")/);
    expect(svg).not.toContain("\u0000");
    expect(isWellFormed(svg)).toBe(true);
    expect(isWellFormed(svg.replace("</g>", ""))).toBe(false);
  });

  test("without tooltips has the same boxes in fewer bytes", () => {
    const svg = drawSvg([gpipeTimeline], { hasTooltips: false });
    const [path] = /<g class="box B0"[^]*?<\/g>/.exec(svg)!;
    expect(elements(path, "path")[0]!.d!.match(/M/g)).toHaveLength(3);
    const [x, , width] = boxes(drawSvg([gpipeTimeline]), "B0")[0]!;
    expect(path).toContain(`M${x} 30h${width}v22h-${width}z`);
    expect(svg.length).toBeLessThan(0.8 * drawSvg([gpipeTimeline]).length);
  });

  test("draws steps without work, without ranks and without time", () => {
    const empty: Timeline = { name: "none", unit: "ms", numRanks: 0, makespan: 0, events: [] };
    for (const timeline of [empty, { ...empty, numRanks: 2 }, { ...empty, numRanks: 1, makespan: 3 }]) {
      const svg = drawSvg([timeline]);
      expect(isWellFormed(svg)).toBe(true);
      expect(svg).not.toMatch(/NaN|Infinity/);
    }
  });

  test.each([
    [[], {}, "drawSvg: timelines (none) must be at least one; use [timeline]."],
    [
      [gpipeTimeline, { ...gpipeTimeline, unit: "ms" as const }],
      {},
      "drawSvg: units (cost, ms) must be the same to share a scale; use costs in ms, or a drawing for each.",
    ],
    [[gpipeTimeline], { width: 199 }, "drawSvg: width (199) must be at least 200; use 960."],
    [
      [gpipeTimeline],
      { id: 'a"b' },
      `drawSvg: id ("a"b") must be a letter and then letters, digits, "-" and "_"; use "timeline".`,
    ],
    [
      [{ ...gpipeTimeline, numRanks: 2 }],
      {},
      "drawSvg: rank (2) of F0 must be one of the timeline's ranks (0..1); use numRanks above it.",
    ],
  ])("refuses what it cannot draw", (timelines, options, message) => {
    expect(() => drawSvg(timelines, options)).toThrow(new ContractError(message));
  });
});
