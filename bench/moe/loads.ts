/**
 * How many rows each expert has in the benchmark.
 *
 * @packageDocumentation
 */

/** Equal shares, or shares in the proportions `1, 1/2, 1/3, ...`, as words of a language are distributed. */
export type LoadShape = "even" | "skewed";

/** Rows of each expert; they add up to `rows`, and what rounding leaves goes to the first. */
export function countsOf(load: LoadShape, rows: number, experts: number): number[] {
  const shares = Array.from({ length: experts }, (_, expert) => (load === "even" ? 1 : 1 / (expert + 1)));
  const total = shares.reduce((sum, share) => sum + share, 0);
  const counts = shares.map((share) => Math.floor((rows * share) / total));
  counts[0]! += rows - counts.reduce((sum, count) => sum + count, 0);
  return counts;
}
