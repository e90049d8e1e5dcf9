/**
 * The right half of a layout's drawing: the mesh, and in each rank's place the part of the tensor that it holds.
 *
 * @packageDocumentation
 */
import type { Range, Region } from "../layout.ts";
import { formatRange, regionsOf, type Blocks, type DrawableLayout } from "./blocks.ts";
import { rankClass, rankColor } from "./rank-colors.ts";
import { element, escapeXml, textWidth } from "./svg-element.ts";
import { proportional, translate, type Extent, type Picture } from "./tensor-picture.ts";

const GAP = 14;
const LABEL_HEIGHT = 16;
/** Below the axes' names. */
const HEAD = 2 * LABEL_HEIGHT;

/** Draws the ranks as a grid: the last axis from left to right, the others from top to bottom. */
export function meshPicture(layout: DrawableLayout, blocks: Blocks, room: number): Picture {
  const { mesh } = layout;
  const numColumns = mesh.shape.at(-1)!;
  const regions = regionsOf(layout);
  const numRows = regions.length / numColumns;
  const down = mesh.axisNames.slice(0, -1).join(", ");
  const left = down === "" ? 0 : 14 + textWidth(`${down} ↓`, 12);
  const largest = blocks.panels.length > 1 ? 120 : 96;
  const shortest = Math.min(largest, Math.max(12, (room - left) / numColumns - GAP));
  const mini: Extent = { width: shortest, height: shortest * 0.7 };
  const step = { x: mini.width + GAP, y: mini.height + GAP + LABEL_HEIGHT };
  const cells = regions.map((region, rank) => {
    const x = left + (rank % numColumns) * step.x;
    const y = HEAD + Math.floor(rank / numColumns) * step.y;
    return element("g", { transform: translate(x, y) }, rankCell(layout, blocks, region, { rank, mini }));
  });
  const axes = [
    element("text", { x: left, y: 11 }, escapeXml(`${mesh.axisNames.at(-1)!} →`)),
    down === ""
      ? ""
      : element("text", { x: 0, y: HEAD + LABEL_HEIGHT + mini.height / 2 }, escapeXml(`${down} ↓`)),
  ];
  return {
    width: left + numColumns * step.x - GAP,
    height: HEAD + numRows * step.y - GAP,
    content: [...axes, ...cells].join(""),
  };
}

function rankCell(
  layout: DrawableLayout,
  blocks: Blocks,
  region: Region,
  { rank, mini }: { readonly rank: number; readonly mini: Extent },
): string {
  const across = extentOf(blocks.columns, region, { dim: blocks.columnDim, extent: mini.width });
  const below = extentOf(blocks.rows, region, { dim: blocks.rowDim, extent: mini.height });
  const isEmpty = region.shape.includes(0);
  const text = isEmpty ? `rank ${rank}: nothing` : [`rank ${rank}`, ...panelsOf(blocks, region)].join(", ");
  const short = textWidth(text, 11) > mini.width + GAP ? String(rank) : text;
  const shape = `[${region.shape.join(", ")}]`;
  const fits = textWidth(shape, 11) < across.size - 2 && below.size > 13;
  const held = isEmpty
    ? ""
    : element("rect", {
        class: rankClass(rank),
        fill: rankColor(rank, layout.mesh),
        x: across.start,
        y: LABEL_HEIGHT + below.start,
        width: across.size,
        height: below.size,
      });
  const place = {
    class: "number",
    x: across.start + across.size / 2,
    y: LABEL_HEIGHT + below.start + below.size / 2 + 4,
    "text-anchor": "middle",
    style: "font-size:11px",
  };
  return [
    element("title", {}, `rank ${rank} holds ${shape} from [${region.offset.join(", ")}]`),
    element("text", { class: "muted", x: 0, y: 11, style: "font-size:11px" }, short),
    element("rect", { class: "whole", fill: "#eceef2", x: 0, y: LABEL_HEIGHT, ...mini }),
    held,
    element("rect", { class: "grid", fill: "none", stroke: "#c3cad6", x: 0, y: LABEL_HEIGHT, ...mini }),
    isEmpty || !fits ? "" : element("text", place, shape),
  ].join("");
}

/** `dim 0: 4..7`: what tells the pictures of a tensor apart that is split along more than two dims. */
function panelsOf(blocks: Blocks, region: Region): string[] {
  return (blocks.panels[0]?.at ?? []).map(
    ({ dim }) => `dim ${dim}: ${formatRange({ start: region.offset[dim]!, size: region.shape[dim]! })}`,
  );
}

/** Where a rank's part of a dim lies within the drawn dim. */
function extentOf(
  parts: readonly (Range | undefined)[],
  region: Region,
  { dim, extent }: { readonly dim: number | undefined; readonly extent: number },
): { readonly start: number; readonly size: number } {
  if (dim === undefined) return { start: 0, size: extent };
  const sizes = proportional(parts, extent);
  const index = parts.findIndex(
    (part) => part?.start === region.offset[dim] && part?.size === region.shape[dim],
  );
  if (index < 0) return { start: 0, size: 0 };
  return { start: sizes.slice(0, index).reduce((a, b) => a + b, 0), size: sizes[index]! };
}
