/**
 * The blocks into which a mesh cuts a tensor, and the ranks that hold each: what both drawings show.
 *
 * @packageDocumentation
 */
import { numElements, regionOf, type Layout, type Range, type Region } from "../layout.ts";
import { coordinateOf, type MeshGeometry } from "../mesh.ts";

/** What is needed of a layout to draw it; a literal will do. */
export type DrawableLayout = Pick<Layout, "shape" | "dtype" | "placements"> & { readonly mesh: MeshGeometry };

/** A picture in two dims. A tensor cut in more has one per part of the others. */
export interface Panel {
  /** The part of each further dim. */
  readonly at: readonly { readonly dim: number; readonly range: Range }[];
  /** Ranks per row and column, ascending. */
  readonly holders: readonly (readonly (readonly number[])[])[];
}

/** A tensor cut into blocks. */
export interface Blocks {
  /** `undefined`: the dim is not drawn. */
  readonly rowDim: number | undefined;
  readonly columnDim: number | undefined;
  /** Parts of the drawn dims, in order; one undefined part where a dim is not drawn. */
  readonly rows: readonly (Range | undefined)[];
  readonly columns: readonly (Range | undefined)[];
  readonly panels: readonly Panel[];
}

/** The dims that some axis splits, ascending. */
export function splitDims({ placements }: Pick<Layout, "placements">): number[] {
  const dims = placements.flatMap((placement) => (placement.kind === "shard" ? [placement.dim] : []));
  return [...new Set(dims)].sort((a, b) => a - b);
}

/** What each rank holds, by rank. */
export function regionsOf({ shape, placements, mesh }: DrawableLayout): Region[] {
  return Array.from({ length: numElements(mesh.shape) }, (_, rank) =>
    regionOf(shape, placements, mesh.shape, coordinateOf(mesh.shape, rank)),
  );
}

/** Cuts the tensor: `rowDim` and `columnDim` are drawn, other dims that are split make panels. */
export function cutIntoBlocks(
  layout: DrawableLayout,
  { rowDim, columnDim }: { readonly rowDim: number | undefined; readonly columnDim: number | undefined },
): Blocks {
  const regions = regionsOf(layout);
  const rows = partsOf(regions, rowDim);
  const columns = partsOf(regions, columnDim);
  const others = splitDims(layout).filter((dim) => dim !== rowDim && dim !== columnDim);
  const panels = combinations(regions, others).map((at) => ({
    at,
    holders: rows.map((row) =>
      columns.map((column) =>
        regions.flatMap((region, rank) => {
          const isHolder =
            isPart(region, rowDim, row) &&
            isPart(region, columnDim, column) &&
            at.every(({ dim, range }) => isPart(region, dim, range));
          return isHolder ? [rank] : [];
        }),
      ),
    ),
  }));
  return { rowDim, columnDim, rows, columns, panels };
}

/** `0..4`, or `(empty)`. */
export function formatRange(range: Range): string {
  if (range.size === 0) return "(empty)";
  return `${range.start}..${range.start + range.size - 1}`;
}

/** The distinct parts of a dim, in the order of the ranks. All empty parts count as one, the last. */
function partsOf(regions: readonly Region[], dim: number | undefined): (Range | undefined)[] {
  if (dim === undefined) return [undefined];
  const parts = new Map(regions.map((region) => [formatRange(rangeOf(region, dim)), rangeOf(region, dim)]));
  return [...parts.values()].sort((a, b) => Number(a.size === 0) - Number(b.size === 0) || a.start - b.start);
}

function combinations(regions: readonly Region[], dims: readonly number[]): Panel["at"][] {
  const [dim, ...rest] = dims;
  if (dim === undefined) return [[]];
  return partsOf(regions, dim).flatMap((range) =>
    combinations(regions, rest).map((others) => [{ dim, range: range! }, ...others]),
  );
}

function rangeOf(region: Region, dim: number): Range {
  return { start: region.offset[dim]!, size: region.shape[dim]! };
}

function isPart(region: Region, dim: number | undefined, range: Range | undefined): boolean {
  return dim === undefined || range === undefined || formatRange(rangeOf(region, dim)) === formatRange(range);
}
