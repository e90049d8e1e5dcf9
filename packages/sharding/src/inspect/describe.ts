/**
 * Says in one line, and draws on a grid, where a tensor's elements are.
 *
 * @packageDocumentation
 */
import { util, type Tensor } from "@tensorflow/tfjs";
import { shardedBackend } from "../backend/current.ts";
import { formatLayout, numElements, type Layout, type Range } from "../layout.ts";
import { formatMesh, type DeviceMesh } from "../mesh.ts";
import { drawParameters, type ParallelSummary } from "../parallelize/summary.ts";
import { cutIntoBlocks, formatRange, splitDims } from "./blocks.ts";
import { describeMesh } from "./describe-mesh.ts";

/**
 * One line about a tensor: dtype, global shape, placements, and what this rank holds. Or about a mesh: its hosts, and which
 * of its axes cross them.
 *
 * @example
 * ```ts
 * describe(w); // float32[4, 6]: tp Shard(1); this rank holds [4, 3] from [0, 3], 48 bytes
 * describe(mesh); // { dp: 2, tp: 2 } on 2 hosts (node-a 2 ranks, node-b 2 ranks): dp crosses hosts, tp stays inside
 * ```
 */
export function describe(what: Tensor | DeviceMesh): string {
  if ("axisNames" in what) return describeMesh(what);
  const { layout } = shardedBackend("describe").recordOf(what);
  const bytes = numElements(layout.localShape) * util.bytesPerElement(layout.dtype);
  return `${formatLayout(layout)}; this rank holds [${layout.localShape.join(", ")}] from [${layout.offset.join(", ")}], ${bytes} bytes`;
}

/**
 * Draws where a tensor's elements are (`drawLayout` of its layout), or where a model's parameters are: a table with a line
 * per parameter, of what `parallelize` returned.
 */
export function draw(what: Tensor | ParallelSummary): string {
  if ("parameters" in what) return drawParameters(what);
  return drawLayout(shardedBackend("draw").recordOf(what).layout);
}

/**
 * Draws which ranks hold which block of the tensor. Rows and columns are the (last two) dims that are split; a tensor that
 * is split along more has a drawing for each part of the first ones.
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
  const { mesh } = layout;
  if (mesh === undefined) return `${formatLayout(layout)}\n`;
  const dims = splitDims(layout);
  const [columnDim, rowDim] = dims.toReversed();
  const drawable = { ...layout, mesh };
  const { panels, rows, columns } = cutIntoBlocks(drawable, { rowDim, columnDim });
  const drawn = [rowDim, columnDim].filter((dim) => dim !== undefined);
  const corner = drawn.length === 0 ? "ranks" : `dim ${drawn.join(" \\ ")}`;
  const tables = panels.map(({ at, holders }) => {
    const where = at.map(({ dim, range }) => `dim ${dim}: ${formatRange(range)}`).join(", ");
    const cells = holders.map((row) => row.map((ranks) => ranks.join(" ")));
    return `${where === "" ? "" : `${where}\n`}${table(corner, rows.map(label), columns.map(label), cells)}`;
  });
  return `${formatLayout(layout)} on ${formatMesh(mesh)}\n\n${tables.join("\n")}${legend(layout)}`;
}

function label(range: Range | undefined): string {
  return range === undefined ? "" : formatRange(range);
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
