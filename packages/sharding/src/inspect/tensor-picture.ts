/**
 * The left half of a layout's drawing: the tensor, cut into blocks, each in the colours of the ranks that hold it.
 *
 * @packageDocumentation
 */
import type { Range } from "../layout.ts";
import { coordinateOf } from "../mesh.ts";
import { formatRange, type Blocks, type DrawableLayout, type Panel } from "./blocks.ts";
import { rankClass, rankColor } from "./rank-colors.ts";
import { coordinate, element, escapeXml, textWidth } from "./svg-element.ts";

/** A piece of a drawing, with its top left corner at 0, 0. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly content: string;
}

/** Room for the labels of rows and columns. */
const LABEL_HEIGHT = 16;
const PANEL_GAP = 18;
const PANELS_PER_ROW = 2;

/** Pixels of the tensor's rectangle. */
export interface Extent {
  readonly width: number;
  readonly height: number;
}

/** Draws the panels in rows of two, each as large as `extent`. */
export function tensorPicture(layout: DrawableLayout, blocks: Blocks, extent: Extent): Picture {
  const left = 8 + Math.max(0, ...blocks.rows.map((row) => textWidth(label(row), 11)));
  const heading = directions(blocks);
  const names = blocks.panels.map(({ at }) =>
    at.map(({ dim, range }) => `dim ${dim}: ${formatRange(range)}`).join(", "),
  );
  const width = left + Math.max(extent.width, ...names.map((name) => textWidth(name, 12)));
  const top = LABEL_HEIGHT + (names.length > 1 ? LABEL_HEIGHT + 6 : 0);
  const height = LABEL_HEIGHT + extent.height;
  const step = { x: width + PANEL_GAP, y: top + height + PANEL_GAP };
  const panels = blocks.panels.map((panel, i) => {
    const at = translate(
      (i % PANELS_PER_ROW) * step.x,
      LABEL_HEIGHT + Math.floor(i / PANELS_PER_ROW) * step.y,
    );
    const drawn = panelContent(layout, blocks, panel, extent);
    return element("g", { transform: at }, [
      names.length > 1 ? element("text", { class: "muted", x: left, y: 17 }, escapeXml(names[i]!)) : "",
      element("g", { transform: translate(left, top) }, drawn),
    ]);
  });
  const numColumns = Math.min(PANELS_PER_ROW, panels.length);
  const numRows = Math.ceil(panels.length / PANELS_PER_ROW);
  return {
    width: Math.max(numColumns * step.x - PANEL_GAP, left + textWidth(heading, 12)),
    height: numRows * step.y - PANEL_GAP,
    content: element("text", { class: "muted", x: left, y: 11 }, escapeXml(heading)) + panels.join(""),
  };
}

/** The attribute that moves a group. */
export function translate(x: number, y: number): string {
  return `translate(${coordinate(x)} ${coordinate(y)})`;
}

/** What the ranks of a block are to each other: `=` copies, `+` summands; `max(...)` candidates. */
export function holdersText(ranks: readonly number[], { mesh, placements }: DrawableLayout): string {
  const groups = new Map<string, number[]>();
  for (const rank of ranks) {
    const coordinate = coordinateOf(mesh.shape, rank);
    const key = coordinate.filter((_, axis) => placements[axis]!.kind === "partial").join();
    groups.set(key, [...(groups.get(key) ?? []), rank]);
  }
  const copies = [...groups.values()].map((group) => group.join(" = "));
  const ops = placements.flatMap((placement) => (placement.kind === "partial" ? [placement.op] : []));
  if (copies.length === 1) return copies[0]!;
  if (ops.every((op) => op === "sum")) return copies.join(" + ");
  return `${ops.join(" ")} of ${copies.join(", ")}`;
}

/** Sizes along an extent: in proportion, but none that holds something is invisible. */
export function proportional(parts: readonly (Range | undefined)[], extent: number): number[] {
  const sizes = parts.map((part) => part?.size ?? 1);
  const filled = sizes.filter((size) => size > 0).length;
  const smallest = Math.min(10, extent / Math.max(1, filled));
  const rest = extent - smallest * filled;
  const total = sizes.reduce((a, b) => a + b, 0);
  return sizes.map((size) => (size === 0 ? 0 : smallest + (rest * size) / total));
}

function directions({ rowDim, columnDim }: Blocks): string {
  const down = rowDim === undefined ? [] : [`dim ${rowDim} down`];
  const across = columnDim === undefined ? [] : [`dim ${columnDim} across`];
  return [...down, ...across].join(", ");
}

function panelContent(layout: DrawableLayout, blocks: Blocks, panel: Panel, extent: Extent): string {
  const widths = proportional(blocks.columns, extent.width);
  const heights = proportional(blocks.rows, extent.height);
  const lefts = starts(widths);
  const tops = starts(heights);
  const cells = panel.holders.flatMap((row, r) =>
    row.flatMap((ranks, c) => {
      if (widths[c] === 0 || heights[r] === 0) return [];
      return [block(layout, ranks, { x: lefts[c]!, y: tops[r]!, width: widths[c]!, height: heights[r]! })];
    }),
  );
  const columnLabels = blocks.columns.map((column, c) =>
    axisLabel(label(column), lefts[c]! + widths[c]! / 2, -5, { anchor: "middle", room: widths[c]! }),
  );
  const rowLabels = blocks.rows.map((row, r) =>
    axisLabel(label(row), -6, tops[r]! + heights[r]! / 2 + 4, { anchor: "end", room: heights[r]! * 4 }),
  );
  return [...cells, ...columnLabels, ...rowLabels].join("");
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A block: a band in the colour of each rank that holds it, and who they are. */
function block(layout: DrawableLayout, ranks: readonly number[], { x, y, width, height }: Box): string {
  const band = width / ranks.length;
  const bands = ranks.map((rank, i) =>
    element("rect", {
      class: rankClass(rank),
      fill: rankColor(rank, layout.mesh),
      x: x + i * band,
      y,
      width: band,
      height,
    }),
  );
  const text = holdersText(ranks, layout);
  const fits = textWidth(text, 12) < width - 4 && height > 13;
  const number = element(
    "text",
    { class: "number", x: x + width / 2, y: y + height / 2 + 4, "text-anchor": "middle" },
    escapeXml(text),
  );
  const title = element("title", {}, escapeXml(`${ranks.length === 1 ? "rank" : "ranks"} ${text}`));
  const outline = element("rect", { class: "cut", stroke: "#ffffff", fill: "none", x, y, width, height });
  return element("g", {}, [title, ...bands, outline, fits ? number : ""]);
}

function axisLabel(
  text: string,
  x: number,
  y: number,
  { anchor, room }: { readonly anchor: string; readonly room: number },
): string {
  if (text === "" || textWidth(text, 11) > room) return "";
  return element("text", { class: "muted", x, y, "text-anchor": anchor, style: "font-size:11px" }, text);
}

function label(range: Range | undefined): string {
  if (range === undefined || range.size === 0) return "";
  return range.size === 1 ? String(range.start) : formatRange(range);
}

function starts(sizes: readonly number[]): number[] {
  let at = 0;
  return sizes.map((size) => {
    const start = at;
    at += size;
    return start;
  });
}
