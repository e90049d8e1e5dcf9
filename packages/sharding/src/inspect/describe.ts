/**
 * Says in one line, and draws on a grid, where a tensor's elements are.
 *
 * @packageDocumentation
 */
import { util, type Tensor } from "@tensorflow/tfjs";
import { shardedBackend } from "../backend/current.ts";
import { formatLayout, numElements, regionOf, type Layout, type Region } from "../layout.ts";
import { coordinateOf, formatMesh, type MeshGeometry } from "../mesh.ts";
import { formatPlacement } from "../placement.ts";

/**
 * One line: dtype, global shape, placements, and what this rank holds.
 *
 * @example
 * ```ts
 * describe(w); // float32[4, 6]: tp Shard(1); this rank holds [4, 3] from [0, 3], 48 bytes
 * ```
 */
export function describe(t: Tensor): string {
  const { layout } = shardedBackend("describe").recordOf(t);
  const bytes = numElements(layout.localShape) * util.bytesPerElement(layout.dtype);
  return `${formatLayout(layout)}; this rank holds [${layout.localShape.join(", ")}] from [${layout.offset.join(", ")}], ${bytes} bytes`;
}

/** `drawLayout` of a tensor's layout. */
export function draw(t: Tensor): string {
  return drawLayout(shardedBackend("draw").recordOf(t).layout);
}

/**
 * Draws which ranks hold which block of the tensor. Rows and columns are the (first two) dims that are split.
 *
 * ```
 * float32[4, 6]: dp Shard(0), tp Shard(1) on { dp: 2, tp: 2 }
 *
 * dim 0 \ 1   0..2   3..5
 *           +------+------+
 * 0..1      | 0    | 1    |
 *           +------+------+
 * 2..3      | 2    | 3    |
 *           +------+------+
 * ```
 */
export function drawLayout(layout: Pick<Layout, "shape" | "dtype" | "mesh" | "placements">): string {
  const { mesh, shape, placements } = layout;
  if (mesh === undefined) return `${formatLayout(layout as Layout)}\n`;
  const regions = allRegions(mesh, layout);
  const dims = splitDims(layout);
  const [rowDim, columnDim] = dims.length > 1 ? [dims[0], dims[1]] : [undefined, dims[0]];
  const rows = ranges(regions, rowDim);
  const columns = ranges(regions, columnDim);
  const cells = rows.map((row) =>
    columns.map((column) =>
      regions
        .flatMap((region, rank) =>
          holds(region, rowDim, row) && holds(region, columnDim, column) ? [rank] : [],
        )
        .join(" "),
    ),
  );
  const title = `${layout.dtype}[${shape.join(", ")}]: ${placements.map((p, axis) => `${mesh.axisNames[axis]!} ${formatPlacement(p)}`).join(", ")} on ${formatMesh(mesh)}`;
  const corner = `dim ${[rowDim, columnDim].filter((dim) => dim !== undefined).join(" \\ ")}`;
  return `${title}\n\n${table(dims.length === 0 ? "ranks" : corner, rows, columns, cells)}${legend(layout)}`;
}

function allRegions(mesh: MeshGeometry, layout: Pick<Layout, "shape" | "placements">): Region[] {
  const size = mesh.shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: size }, (_, rank) =>
    regionOf(layout.shape, layout.placements, mesh.shape, coordinateOf(mesh.shape, rank)),
  );
}

function splitDims(layout: Pick<Layout, "placements">): number[] {
  const dims = layout.placements.flatMap((placement) => (placement.kind === "shard" ? [placement.dim] : []));
  return [...new Set(dims)].sort((a, b) => a - b);
}

/** The distinct parts of a dim, as text, in order; one unnamed part where the dim is not split. */
function ranges(regions: readonly Region[], dim: number | undefined): string[] {
  if (dim === undefined) return [""];
  return [...new Set(regions.map((region) => rangeText(region, dim)))];
}

function rangeText(region: Region, dim: number): string {
  const start = region.offset[dim]!;
  const size = region.shape[dim]!;
  return size === 0 ? "(empty)" : `${start}..${start + size - 1}`;
}

function holds(region: Region, dim: number | undefined, range: string): boolean {
  return dim === undefined || rangeText(region, dim) === range;
}

function table(
  corner: string,
  rows: readonly string[],
  columns: readonly string[],
  cells: readonly (readonly string[])[],
): string {
  const head = Math.max(corner.length, ...rows.map((row) => row.length)) + 1;
  const widths = columns.map(
    (column, c) => Math.max(column.length, ...cells.map((row) => row[c]!.length)) + 1,
  );
  const line = `${" ".repeat(head)}+${widths.map((width) => "-".repeat(width + 1)).join("+")}+\n`;
  const header = `${corner.padEnd(head)} ${columns.map((column, c) => ` ${column.padEnd(widths[c]!)}`).join(" ")}\n`;
  const body = rows.map(
    (row, r) =>
      `${row.padEnd(head)}|${cells[r]!.map((cell, c) => ` ${cell.padEnd(widths[c]!)}`).join("|")}|\n${line}`,
  );
  return header + line + body.join("");
}

function legend(layout: Pick<Layout, "mesh" | "placements">): string {
  return layout.placements
    .flatMap((placement, axis) =>
      placement.kind === "partial"
        ? [`along ${layout.mesh!.axisNames[axis]!}: ranks hold parts of a ${placement.op}\n`]
        : [],
    )
    .join("");
}
