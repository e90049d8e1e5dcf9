/**
 * The cells of a heat map of experts and steps.
 *
 * @packageDocumentation
 */
import type { LayerLoad } from "@meshwright/moe";

/** A column of the heat map: some steps in a row. */
export interface LoadColumn {
  /** The first and the last of its steps. */
  readonly steps: readonly [number, number];
  /** Load of each expert over the mean load, over these steps. 1 is an even share. */
  readonly loads: readonly number[];
}

/**
 * Puts the steps of a layer into at most `maxColumns` columns of about as many steps each.
 *
 * @example
 * ```ts
 * loadColumns({ steps: [1, 2], counts: [[3, 1], [3, 1]] }, { maxColumns: 1 }); // [{ steps: [1, 2], loads: [1.5, 0.5] }]
 * ```
 */
export function loadColumns(
  { steps, counts }: Pick<LayerLoad, "steps" | "counts">,
  { maxColumns }: { readonly maxColumns: number },
): LoadColumn[] {
  const numColumns = Math.min(maxColumns, steps.length);
  return Array.from({ length: numColumns }, (_, column) => {
    const from = Math.floor((column * steps.length) / numColumns);
    const to = Math.floor(((column + 1) * steps.length) / numColumns);
    return { steps: [steps[from]!, steps[to - 1]!], loads: relative(counts.slice(from, to)) };
  });
}

function relative(counts: readonly (readonly number[])[]): number[] {
  const sums = counts[0]!.map((_, expert) => counts.reduce((sum, step) => sum + step[expert]!, 0));
  const mean = sums.reduce((a, b) => a + b, 0) / sums.length;
  return sums.map((sum) => (mean === 0 ? 0 : sum / mean));
}
