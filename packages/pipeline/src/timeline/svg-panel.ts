/**
 * One timeline of an SVG: a heading, and a row of boxes per rank.
 *
 * @packageDocumentation
 */
import {
  svgCoordinate as coordinate,
  svgElement as element,
  escapeXml,
  svgTextWidth as textWidth,
} from "@meshwright/sharding";
import { bubbleReport } from "../simulate/bubble.ts";
import { ACTION_KINDS, formatTime, labelOf, rowsOf } from "./rows.ts";
import type { Timeline, TimelineEvent } from "../timeline-record.ts";
import { boxClass, boxColor } from "./svg-style.ts";

/** What panels of one drawing have in common. */
export interface PanelFrame {
  readonly width: number;
  /** Where time 0 is. */
  readonly left: number;
  /** Pixels per unit of time. */
  readonly scale: number;
  /** Times with a line. */
  readonly ticks: readonly number[];
  readonly numChunks: number;
  readonly hasTooltips: boolean;
}

const HEADING_HEIGHT = 22;
const ROW_GAP = 3;
const NUMBER_MARGIN = 3;

/** Height of a panel: its rows shrink where there are many ranks. */
export function panelHeight({ numRanks }: Timeline, { width }: Pick<PanelFrame, "width">): number {
  return headingHeight(width) + numRanks * (rowHeight(numRanks) + ROW_GAP);
}

/** Draws the timeline with its top at `top`. */
export function drawPanel(timeline: Timeline, frame: PanelFrame, top: number): string {
  const height = rowHeight(timeline.numRanks);
  const firstRow = top + headingHeight(frame.width);
  const rows = rowsOf(timeline, "drawSvg").map((events, rank): Row => {
    return { events, timeline, frame, rank, height, top: firstRow + rank * (height + ROW_GAP) };
  });
  const bottom = firstRow + timeline.numRanks * (height + ROW_GAP);
  const lines = frame.ticks.filter((tick) => tick <= timeline.makespan);
  // Lines lie over idle time and under work.
  return element("g", {}, [
    heading(timeline, frame, top),
    ...rows.map(drawIdle),
    element("path", {
      class: "grid",
      stroke: "#d8dce3",
      d: lines.map((tick) => verticalLine(xOf(tick, frame), firstRow, bottom)).join(""),
    }),
    ...rows.map(drawWork),
    element("path", {
      class: "end",
      stroke: "#596275",
      d: verticalLine(xOf(timeline.makespan, frame), firstRow - 3, bottom),
    }),
  ]);
}

function xOf(time: number, { left, scale }: PanelFrame): number {
  return left + time * scale;
}

function verticalLine(x: number, top: number, bottom: number): string {
  return `M${coordinate(x)} ${coordinate(top)}V${coordinate(bottom)}`;
}

/** `"makespan 33 cost, bubble 27.3%"`: the bubble is idle time of all ranks from the start of the step to its end. */
export function describeTimeline(timeline: Timeline): string {
  const { bubbleGlobal } = bubbleReport(timeline);
  return `makespan ${formatTime(timeline.makespan, timeline.unit)}, bubble ${(100 * bubbleGlobal).toFixed(1)}%`;
}

function rowHeight(numRanks: number): number {
  return Math.max(6, Math.min(22, Math.floor(480 / numRanks)));
}

function isNarrow(width: number): boolean {
  return width < 560;
}

function headingHeight(width: number): number {
  return isNarrow(width) ? 2 * HEADING_HEIGHT - 4 : HEADING_HEIGHT;
}

/** The name and the figures: on one line, or below each other where it is narrow. */
function heading(timeline: Timeline, { width }: PanelFrame, top: number): string {
  const name = element("text", { class: "name", x: 8, y: top + 13 }, escapeXml(timeline.name));
  const text = describeTimeline(timeline);
  const figures = isNarrow(width)
    ? element("text", { class: "muted", x: 8, y: top + 31 }, text)
    : element("text", { class: "muted", x: width - 8, y: top + 13, "text-anchor": "end" }, text);
  return name + figures;
}

interface Row {
  readonly events: readonly TimelineEvent[];
  readonly timeline: Timeline;
  readonly frame: PanelFrame;
  readonly rank: number;
  readonly top: number;
  readonly height: number;
}

function drawIdle({ timeline, frame, rank, top, height }: Row): string {
  const fontSize = Math.min(11, height);
  const label = element(
    "text",
    {
      class: "muted",
      x: frame.left - 6,
      y: top + height / 2 + fontSize * 0.36,
      "text-anchor": "end",
      style: `font-size:${fontSize}px`,
    },
    `rank ${rank}`,
  );
  const width = timeline.makespan * frame.scale;
  return label + element("rect", { class: "idle", fill: "#eceef2", x: frame.left, y: top, width, height });
}

function drawWork(row: Row): string {
  return element("g", {}, [...drawBoxes(row), drawNumbers(row)]);
}

/** Boxes of a kind and chunk share a group, and with it their colour. */
function drawBoxes(row: Row): string[] {
  const { events, frame } = row;
  const { numChunks, scale } = frame;
  const visible = events.filter(({ start, end }) => end > start);
  // A line between neighbours, but never one that hides them.
  const narrowest = visible.reduce((least, { start, end }) => Math.min(least, (end - start) * scale), 5);
  return ACTION_KINDS.flatMap((kind) =>
    Array.from({ length: numChunks }, (_, chunk) => {
      const boxes = visible.filter((event) => event.kind === kind && event.chunk === chunk);
      if (boxes.length === 0) return "";
      const attributes = {
        class: `box ${boxClass(kind, chunk)}`,
        fill: boxColor(kind, { chunk, numChunks }),
        "stroke-width": narrowest / 5,
      };
      return element(
        "g",
        attributes,
        frame.hasTooltips ? boxesWithTooltips(boxes, row) : outline(boxes, row),
      );
    }),
  );
}

function boxesWithTooltips(boxes: readonly TimelineEvent[], { timeline, frame, top, height }: Row): string[] {
  return boxes.map((event) => {
    const { start, end, stage, rank } = event;
    const times = `${formatTime(start, timeline.unit)} to ${formatTime(end, timeline.unit)}`;
    const title = element("title", {}, `${labelOf(event)} on rank ${rank}, stage ${stage}: ${times}`);
    const x = xOf(start, frame);
    return element("rect", { x, y: top, width: (end - start) * frame.scale, height }, title);
  });
}

/** All boxes as one path: a tenth of the bytes. */
function outline(boxes: readonly TimelineEvent[], { frame, top, height }: Row): string {
  const parts = boxes.map(({ start, end }) => {
    const x = coordinate(xOf(start, frame));
    const width = coordinate((end - start) * frame.scale);
    return `M${x} ${coordinate(top)}h${width}v${height}h-${width}z`;
  });
  return element("path", { d: parts.join("") });
}

/** The micro-batch of every box that has room for it, small enough that the widest box holds the longest one. */
function drawNumbers({ events, frame, top, height }: Row): string {
  const widthOf = ({ start, end }: TimelineEvent) => (end - start) * frame.scale;
  const widest = events.reduce((most, event) => Math.max(most, widthOf(event)), 0);
  const digits = events.reduce((most, { microBatch }) => Math.max(most, String(microBatch).length), 1);
  const largest = Math.min(11, height - 6);
  const fontSize = Math.min(
    largest,
    Math.max(7, (widest - NUMBER_MARGIN) / textWidth("0".repeat(digits), 1)),
  );
  if (fontSize < 7) return "";
  const y = top + height / 2 + fontSize * 0.36;
  const numbers = events.flatMap((event) => {
    const text = String(event.microBatch);
    if (widthOf(event) + 1e-6 < textWidth(text, fontSize) + NUMBER_MARGIN) return [];
    return element("text", { x: xOf((event.start + event.end) / 2, frame), y }, text);
  });
  const attributes = {
    class: "number",
    "text-anchor": "middle",
    style: `font-size:${coordinate(fontSize)}px`,
  };
  return numbers.length === 0 ? "" : element("g", attributes, numbers);
}
