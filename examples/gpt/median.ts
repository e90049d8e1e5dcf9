/**
 * The median.
 *
 * @packageDocumentation
 */

/** Of an even number of values the larger of the middle two; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
