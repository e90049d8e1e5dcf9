/**
 * A model's parameters as one self-contained SVG: for each, a bar per rank as long as the bytes that the rank holds.
 *
 * ```
 *   37 parameters on { dp: 1, tp: 2 }                      bytes per rank
 *   blocks.*.mlp.up.weight x2  [12, 18]  tp Shard(1)  [#########          ]  864 of 1728
 *                                                     [#########          ]
 * ```
 *
 * @packageDocumentation
 */
import prettyBytes from "pretty-bytes";
import { formatMesh, type MeshGeometry } from "../mesh.ts";
import type { PlacedParameter } from "../parallelize/resolve-plan.ts";
import { groupNumbered, placementText, sumPerRank, type ParallelSummary } from "../parallelize/summary.ts";
import { requireId, svgAttributes } from "./draw-svg.ts";
import { rankClass, rankColor, styleSheet } from "./rank-colors.ts";
import { element, escapeXml, textWidth } from "./svg-element.ts";
import { translate } from "./tensor-picture.ts";

/** How a model is drawn as SVG. */
export interface DrawModelOptions {
  /** Unique on the page that the drawing is put into (default `"model"`). */
  readonly id?: string;
  /** Heading (default: number of parameters and mesh). */
  readonly title?: string;
  /** Pixels of the longest bar (default 360). */
  readonly barWidth?: number;
}

/** More ranks than this are drawn as the one that holds least and the one that holds most. */
const MAX_BARS = 8;
const BAR = 4;
const MIN_ROW = 20;
const MARGIN = 12;
const HEADING = 44;

interface Row {
  readonly cells: readonly string[];
  readonly wholeBytes: number;
  readonly bytesPerRank: readonly number[];
}

/**
 * Draws what `parallelize` or `parallelizeLayers` decided. The grey bar is the whole parameter, the coloured ones are what
 * each rank holds of it; the last row is the model. Pure.
 *
 * @example
 * ```ts
 * writeFileSync("model.svg", drawModelSvg(parallelize(model, { mesh, plan: gptPlan({ axis: "tp" }) })));
 * ```
 * @throws ContractError if `id` cannot be used.
 */
export function drawModelSvg({ mesh, parameters }: ParallelSummary, options: DrawModelOptions = {}): string {
  const { id = "model", barWidth = 360 } = options;
  const { title = `${parameters.length} parameters on ${formatMesh(mesh)}` } = options;
  requireId("drawModelSvg", id);
  const rows = rowsOf(mesh, parameters);
  const ranks = rankBars(rows.at(-1)!.bytesPerRank);
  const longest = Math.max(1, ...rows.slice(0, -1).map(({ wholeBytes }) => wholeBytes));
  const columns = columnStarts(rows);
  const height = Math.max(MIN_ROW, ranks.length * BAR + 7);
  const barLeft = columns.at(-1)!;
  const drawn = rows.map((row, i) => {
    const isTotal = i === rows.length - 1;
    const scale = barWidth / (isTotal ? Math.max(1, row.wholeBytes) : longest);
    const y = HEADING + i * height + (isTotal ? 8 : 0);
    return element("g", { transform: translate(0, y) }, [
      ...row.cells.map((cell, c) =>
        cellText(cell, columns[c]!, { middle: height / 2, isTotal, isFirst: c === 0 }),
      ),
      ...bars(row, ranks, mesh, { left: barLeft, scale, height }),
    ]);
  });
  const width =
    barLeft + barWidth + 16 + Math.max(...rows.map((row) => textWidth(bytesText(row), 11))) + MARGIN;
  const total = HEADING + rows.length * height + 8 + 30;
  return element("svg", svgAttributes(id, width, total), [
    element("title", { id: `${id}-title` }, escapeXml(title)),
    element("desc", { id: `${id}-desc` }, escapeXml(`${title}: ${bytesText(rows.at(-1)!)} per rank.`)),
    element("style", {}, styleSheet(id, mesh, ranks)),
    element("rect", { class: "page", fill: "#ffffff", width: Math.ceil(width), height: Math.ceil(total) }),
    element("text", { class: "name", x: MARGIN, y: 20 }, escapeXml(title)),
    element("text", { class: "muted", x: barLeft, y: HEADING - 8 }, "bytes per rank"),
    ...drawn,
    legend(ranks, mesh, {
      x: barLeft,
      y: total - 24,
      hasAll: ranks.length === rows.at(-1)!.bytesPerRank.length,
    }),
  ]);
}

function rowsOf(mesh: MeshGeometry, parameters: readonly PlacedParameter[]): Row[] {
  const rows = groupNumbered(parameters).map(({ name, parameters: alike }) => ({
    cells: [
      alike.length > 1 ? `${name} x${alike.length}` : name,
      `[${alike[0]!.shape.join(", ")}]`,
      placementText(alike[0]!, mesh),
    ],
    wholeBytes: wholeBytes(alike),
    bytesPerRank: sumPerRank(alike),
  }));
  const total = { cells: ["total", "", ""], wholeBytes: wholeBytes(parameters) };
  return [...rows, { ...total, bytesPerRank: sumPerRank(parameters) }];
}

function wholeBytes(parameters: readonly PlacedParameter[]): number {
  return parameters.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
}

/** The ranks that have a bar. */
function rankBars(bytes: readonly number[]): number[] {
  if (bytes.length <= MAX_BARS) return bytes.map((_, rank) => rank);
  const most = bytes.indexOf(Math.max(...bytes));
  const least = bytes.lastIndexOf(Math.min(...bytes));
  return most === least ? [most] : [least, most].sort((a, b) => a - b);
}

function bars(
  { bytesPerRank, wholeBytes: whole, ...row }: Row,
  ranks: readonly number[],
  mesh: MeshGeometry,
  { left, scale, height }: { readonly left: number; readonly scale: number; readonly height: number },
): string[] {
  const top = (height - ranks.length * BAR) / 2;
  const grey = { x: left, y: top - 1, width: Math.max(1, whole * scale), height: ranks.length * BAR + 1 };
  const text = bytesText({ bytesPerRank, wholeBytes: whole, ...row });
  return [
    element("rect", { class: "whole", fill: "#eceef2", ...grey }),
    ...ranks.map((rank, i) =>
      element(
        "rect",
        {
          class: rankClass(rank),
          fill: rankColor(rank, mesh),
          x: left,
          y: top + i * BAR,
          width: bytesPerRank[rank]! * scale,
          height: BAR - 1,
        },
        element("title", {}, `rank ${rank}: ${bytesPerRank[rank]!} bytes`),
      ),
    ),
    cellText(text, left + grey.width + 8, { middle: height / 2, isTotal: false, isFirst: false }),
  ];
}

function bytesText({ bytesPerRank, wholeBytes: whole }: Row): string {
  const most = Math.max(0, ...bytesPerRank);
  const least = Math.min(most, ...bytesPerRank);
  const held = least === most ? amount(most) : `${amount(least)} to ${amount(most)}`;
  return most === whole && least === whole ? held : `${held} of ${amount(whole)}`;
}

/** `864 B`, `1.5 KiB`, `2.3 MiB`. */
function amount(bytes: number): string {
  return prettyBytes(bytes, { binary: true, maximumFractionDigits: 1 });
}

function columnStarts(rows: readonly Row[]): number[] {
  let x = MARGIN;
  const starts = [x];
  for (let c = 0; c < 3; c++) {
    x += 16 + Math.max(...rows.map(({ cells }) => textWidth(cells[c]!, 12)));
    starts.push(x);
  }
  return starts;
}

function cellText(
  text: string,
  x: number,
  {
    middle,
    isTotal,
    isFirst,
  }: { readonly middle: number; readonly isTotal: boolean; readonly isFirst: boolean },
): string {
  if (text === "") return "";
  const style = isTotal ? "name" : isFirst ? "" : "muted";
  return element("text", { ...(style !== "" && { class: style }), x, y: middle + 4 }, escapeXml(text));
}

function legend(
  ranks: readonly number[],
  mesh: MeshGeometry,
  { x, y, hasAll }: { readonly x: number; readonly y: number; readonly hasAll: boolean },
): string {
  let at = x;
  const entries = ranks.map((rank) => {
    const text = hasAll ? `rank ${rank}` : `rank ${rank} of ${mesh.shape.reduce((a, b) => a * b, 1)}`;
    const swatch = element("rect", {
      class: rankClass(rank),
      fill: rankColor(rank, mesh),
      x: at,
      y,
      width: 12,
      height: 12,
    });
    const label = element("text", { class: "muted", x: at + 17, y: y + 10 }, text);
    at += 17 + textWidth(text, 12) + 14;
    return swatch + label;
  });
  return element("g", {}, entries);
}
