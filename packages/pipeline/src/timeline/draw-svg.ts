/**
 * Timelines as one self-contained SVG.
 *
 * ```
 *   predicted                  makespan 33 ms, bubble 27.3%
 *   rank 0  [0][1][2]      [ 0 ][ 1 ][ 2 ]
 *   rank 1     [0][1][2][ 0 ][ 1 ][ 2 ]
 *   measured                 makespan 34.2 ms, bubble 28.0%
 *   rank 0  [0][1][2]       [ 0 ][ 1 ] [ 2 ]
 *   rank 1     [0][1][2] [ 0 ][ 1 ][ 2 ]
 *           0 ms     10       20       30
 *   [] forward  [] backward  [] idle
 * ```
 *
 * @packageDocumentation
 */
import { svgElement as element, escapeXml, svgTextWidth as textWidth } from "@meshwright/sharding";
import { ContractError } from "@meshwright/core";
import type { Timeline } from "../timeline-record.ts";
import { axisTicks } from "./axis.ts";
import { kindsIn } from "./rows.ts";
import { drawLegend, legendHeight } from "./svg-legend.ts";
import { describeTimeline, drawPanel, panelHeight, type PanelFrame } from "./svg-panel.ts";
import { styleSheet } from "./svg-style.ts";

/** How timelines are drawn as SVG. */
export interface DrawSvgOptions {
  /** Pixels of the drawing's own coordinates (default 960); it scales to any size. Below 560 headings take two lines. */
  readonly width?: number;
  /** Unique on the page that the drawing is put into (default `"timeline"`). */
  readonly id?: string;
  /** For readers who cannot see it (default: the names of the timelines). */
  readonly title?: string;
  /** Every box tells what it is when pointed at (default `true`); without, the file is a fraction of the size. */
  readonly hasTooltips?: boolean;
}

const AXIS_HEIGHT = 24;
const PANEL_GAP = 14;
const RIGHT = 14;

/**
 * Draws the timelines below each other on one scale of time: a row per rank, boxes coloured by kind and shaded by chunk, with
 * the micro-batch in those that have room for it; the grey that is left is idle time.
 *
 * The SVG asks for nothing from elsewhere, follows light and dark mode, and has a title and a description.
 *
 * @example
 * ```ts
 * writeFileSync("timeline.svg", drawSvg([simulated, measured]));
 * ```
 * @throws ContractError if there is no timeline, their units differ, `width` or `id` cannot be used, or a timeline contradicts
 *   itself (events that overlap, or lie outside of it).
 */
export function drawSvg(timelines: readonly Timeline[], options: DrawSvgOptions = {}): string {
  const { width = 960, id = "timeline", hasTooltips = true } = options;
  const unit = checkTimelines(timelines);
  checkOptions(width, id);
  const frame = frameFor(timelines, { width, hasTooltips });
  const panels: string[] = [];
  let top = 8;
  for (const timeline of timelines) {
    panels.push(drawPanel(timeline, frame, top));
    top += panelHeight(timeline, frame) + PANEL_GAP;
  }
  const axisTop = top - PANEL_GAP + 2;
  const legendTop = axisTop + AXIS_HEIGHT + 6;
  const key = { kinds: kindsIn(timelines), numChunks: frame.numChunks, width };
  const height = legendTop + legendHeight(key) + 6;
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    id,
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-labelledby": `${id}-title ${id}-desc`,
  };
  return element("svg", attributes, [
    ...describe(timelines, { id, title: options.title }),
    element("style", {}, styleSheet(id, frame.numChunks)),
    element("rect", { class: "page", fill: "#ffffff", width, height }),
    ...panels,
    drawAxis(unit, frame, axisTop),
    drawLegend(key, legendTop),
  ]);
}

function checkTimelines(timelines: readonly Timeline[]): Timeline["unit"] {
  const units = [...new Set(timelines.map(({ unit }) => unit))];
  if (units.length === 1) return units[0]!;
  throw new ContractError(
    units.length === 0
      ? "drawSvg: timelines (none) must be at least one; use [timeline]."
      : `drawSvg: units (${units.join(", ")}) must be the same to share a scale; use costs in ms, or a drawing for each.`,
  );
}

function checkOptions(width: number, id: string): void {
  if (!(Number.isFinite(width) && width >= 200)) {
    throw new ContractError(`drawSvg: width (${width}) must be at least 200; use 960.`);
  }
  if (!/^[A-Za-z][\w-]*$/.test(id)) {
    throw new ContractError(
      `drawSvg: id ("${id}") must be a letter and then letters, digits, "-" and "_"; use "timeline".`,
    );
  }
}

function frameFor(
  timelines: readonly Timeline[],
  { width, hasTooltips }: { readonly width: number; readonly hasTooltips: boolean },
): PanelFrame {
  const lastRank = Math.max(...timelines.map(({ numRanks }) => numRanks - 1), 0);
  const left = 14 + textWidth(`rank ${lastRank}`, 11);
  const until = untilOf(timelines);
  const numChunks = 1 + maximum(timelines.flatMap(({ events }) => events.map(({ chunk }) => chunk)));
  const room = width - left - RIGHT;
  const ticks = axisTicks(until, Math.max(1, Math.floor(room / 70)));
  return { width, left, scale: until > 0 ? room / until : 0, ticks, numChunks, hasTooltips };
}

function untilOf(timelines: readonly Timeline[]): number {
  return maximum(timelines.map(({ makespan }) => makespan));
}

function maximum(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

function describe(
  timelines: readonly Timeline[],
  { id, title }: { readonly id: string; readonly title: string | undefined },
): string[] {
  const names = timelines.map(({ name }) => name).join(" and ");
  const sentences = timelines.map(
    (timeline) => `${timeline.name}: ${timeline.numRanks} ranks, ${describeTimeline(timeline)}.`,
  );
  return [
    element("title", { id: `${id}-title` }, escapeXml(title ?? `Pipeline timeline of ${names}`)),
    element("desc", { id: `${id}-desc` }, escapeXml(sentences.join(" "))),
  ];
}

function drawAxis(unit: string, { left, scale, width, ticks }: PanelFrame, top: number): string {
  const labels = ticks.map((tick, index) => {
    const x = left + tick * scale;
    // A number in the middle below its line would reach beyond the edge there.
    const anchor = x > width - RIGHT - 12 ? "end" : "middle";
    const text = index === 0 ? `0 ${unit}` : String(tick);
    return element("text", { class: "muted", x, y: top + 16, "text-anchor": anchor }, text);
  });
  return element("g", {}, labels);
}
