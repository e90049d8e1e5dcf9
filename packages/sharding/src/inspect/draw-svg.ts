/**
 * A layout as one self-contained SVG: the tensor cut into blocks, and what each rank of the mesh holds.
 *
 * ```
 *   float32[4, 6]: dp Shard(0), tp Shard(1) on { dp: 2, tp: 2 }
 *   dim 0 down, dim 1 across       tp ->
 *         0..2   3..5              rank 0     rank 1
 *   0..1 [  0  ][  1  ]       dp   [##| ]     [ |##]
 *   2..3 [  2  ][  3  ]       |    rank 2     rank 3
 *                             v    [##| ]     [ |##]
 * ```
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import type { Tensor } from "@tensorflow/tfjs";
import { shardedBackend } from "../backend/current.ts";
import { formatLayout, numElements } from "../layout.ts";
import { formatMesh } from "../mesh.ts";
import { cutIntoBlocks, splitDims, type DrawableLayout } from "./blocks.ts";
import { meshPicture } from "./mesh-picture.ts";
import { styleSheet } from "./rank-colors.ts";
import { element, escapeXml } from "./svg-element.ts";
import { tensorPicture, translate, type Extent } from "./tensor-picture.ts";

/** How a layout is drawn as SVG. */
export interface DrawSvgOptions {
  /** Unique on the page that the drawing is put into (default `"layout"`). */
  readonly id?: string;
  /** Heading (default: the layout in words). */
  readonly title?: string;
  /** Pixels for the mesh on the right (default 480); the drawing scales to any size. */
  readonly meshWidth?: number;
}

const MARGIN = 12;
const HEADING = 34;
const GAP = 44;
const LEGEND_LINE = 18;

/**
 * Draws a tensor of any number of dims cut over its mesh. Two dims are drawn (the last ones that are split, or the last
 * ones); a tensor that is split along more has one picture per part of the others.
 *
 * Pure for a layout; for a tensor it looks its layout up. The SVG asks for nothing from elsewhere, follows light and dark
 * mode, and has a title and a description.
 *
 * @example
 * ```ts
 * writeFileSync("w.svg", drawSvg(w)); // w: a tensor on a mesh
 * const mesh = { axisNames: ["dp", "tp"], shape: [2, 2] };
 * drawSvg({ shape: [4, 6], dtype: "float32", mesh, placements: [Shard(0), Shard(1)] });
 * ```
 * @throws ContractError if the tensor is on no mesh, placements do not fit the shape or the mesh, or `id` cannot be used.
 */
export function drawSvg(what: Tensor | DrawableLayout, options: DrawSvgOptions = {}): string {
  const layout = "placements" in what ? what : layoutOf(what);
  const { id = "layout", title = formatLayout(layout), meshWidth = 480 } = options;
  check(layout, id);
  const dims = drawnDims(layout);
  const blocks = cutIntoBlocks(layout, dims);
  const tensor = tensorPicture(layout, blocks, extentOf(layout, dims, blocks.panels.length));
  const mesh = meshPicture(layout, blocks, meshWidth);
  const notes = legend(layout, dims);
  const width = 2 * MARGIN + tensor.width + GAP + mesh.width;
  const body = Math.max(tensor.height, mesh.height);
  const height = HEADING + body + (notes.length > 0 ? 10 : 0) + notes.length * LEGEND_LINE + MARGIN;
  const wide = Math.max(width, MARGIN * 2 + title.length * 7.4);
  const ranks = Array.from({ length: numElements(layout.mesh.shape) }, (_, rank) => rank);
  const at = (x: number, y: number, content: string) => element("g", { transform: translate(x, y) }, content);
  return element("svg", svgAttributes(id, wide, height), [
    element("title", { id: `${id}-title` }, escapeXml(title)),
    element("desc", { id: `${id}-desc` }, escapeXml(`${formatLayout(layout)} on ${formatMesh(layout.mesh)}`)),
    element("style", {}, styleSheet(id, layout.mesh, ranks)),
    element("rect", { class: "page", fill: "#ffffff", width: wide, height }),
    element("text", { class: "name", x: MARGIN, y: 20 }, escapeXml(title)),
    at(MARGIN, HEADING, tensor.content),
    at(MARGIN + tensor.width + GAP, HEADING, mesh.content),
    ...notes.map((note, i) =>
      element(
        "text",
        { class: "muted", x: MARGIN, y: HEADING + body + 22 + i * LEGEND_LINE },
        escapeXml(note),
      ),
    ),
  ]);
}

/** Attributes of the root element. */
export function svgAttributes(id: string, width: number, height: number): Record<string, string | number> {
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  return {
    xmlns: "http://www.w3.org/2000/svg",
    id,
    viewBox: `0 0 ${w} ${h}`,
    width: w,
    height: h,
    role: "img",
    "aria-labelledby": `${id}-title ${id}-desc`,
  };
}

/** @throws ContractError unless `id` can name an element and be selected by CSS. */
export function requireId(where: string, id: string): void {
  if (/^[A-Za-z][\w-]*$/.test(id)) return;
  throw new ContractError(
    `${where}: id ("${id}") must be a letter and then letters, digits, "-" and "_"; use "layout".`,
  );
}

function layoutOf(t: Tensor): DrawableLayout {
  const { layout } = shardedBackend("drawSvg").recordOf(t);
  if (layout.mesh !== undefined) return { ...layout, mesh: layout.mesh };
  throw new ContractError(
    `drawSvg: tensor of shape [${t.shape.join(", ")}] must be on a mesh; use shard(t, mesh, { ... }) first.`,
  );
}

function check({ shape, placements, mesh }: DrawableLayout, id: string): void {
  requireId("drawSvg", id);
  if (placements.length !== mesh.shape.length) {
    throw new ContractError(
      `drawSvg: placements (${placements.length}) must be one per axis of the mesh (${formatMesh(mesh)}); use Replicate() for axes that do not split.`,
    );
  }
  for (const placement of placements) {
    if (placement.kind !== "shard" || shape[placement.dim] !== undefined) continue;
    throw new ContractError(
      `drawSvg: Shard(${placement.dim}) must name a dim of the tensor of shape [${shape.join(", ")}]; use a dim from 0 to ${shape.length - 1}.`,
    );
  }
}

interface DrawnDims {
  readonly rowDim: number | undefined;
  readonly columnDim: number | undefined;
}

function drawnDims(layout: DrawableLayout): DrawnDims {
  const ndim = layout.shape.length;
  if (ndim < 2) return { rowDim: undefined, columnDim: ndim === 1 ? 0 : undefined };
  const split = splitDims(layout);
  const [last, before] = split.toReversed();
  if (last === undefined) return { rowDim: ndim - 2, columnDim: ndim - 1 };
  if (before !== undefined) return { rowDim: before, columnDim: last };
  return last === ndim - 1 ? { rowDim: last - 1, columnDim: last } : { rowDim: last, columnDim: ndim - 1 };
}

/** The tensor's proportions, between 1 : 2.4 and 2.4 : 1. */
function extentOf({ shape }: DrawableLayout, { rowDim, columnDim }: DrawnDims, numPanels: number): Extent {
  if (rowDim === undefined || columnDim === undefined) return { width: 300, height: 44 };
  const ratio = Math.max(1, shape[columnDim]!) / Math.max(1, shape[rowDim]!);
  const aspect = Math.min(2.4, Math.max(1 / 2.4, ratio));
  const area = 240 * 150 * (numPanels > 1 ? 0.5 : 1);
  const height = Math.sqrt(area / aspect);
  return { width: height * aspect, height };
}

function legend(layout: DrawableLayout, drawn: DrawnDims): string[] {
  const { mesh, placements, shape } = layout;
  const hasCopies = placements.some(({ kind }, axis) => kind === "replicate" && mesh.shape[axis]! > 1);
  const partials = placements.flatMap((placement, axis) =>
    placement.kind === "partial"
      ? [`+ along ${mesh.axisNames[axis]!} ranks hold parts of a ${placement.op}`]
      : [],
  );
  const seen = [...splitDims(layout), drawn.rowDim, drawn.columnDim];
  const whole = shape.flatMap((size, dim) => (seen.includes(dim) ? [] : [`dim ${dim} (${size})`]));
  return [
    ...(hasCopies ? ["= ranks that hold the same values"] : []),
    ...partials,
    ...(whole.length > 0 ? [`not drawn, whole on every rank: ${whole.join(", ")}`] : []),
  ];
}
