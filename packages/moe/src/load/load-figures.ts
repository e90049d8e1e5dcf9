/**
 * Figures that say how evenly tokens are spread over experts.
 *
 * Legend: E = experts, c_i = choices of expert i, f_i = c_i / sum of all c.
 *
 * ```text
 * imbalance   max_i c_i / mean_i c_i              1 where all are equal, E where one takes everything
 * entropy     - sum_i f_i ln f_i / ln E           1 where all are equal, 0 where one takes everything
 * ```
 *
 * @packageDocumentation
 */

/**
 * `max / mean` of the counts: how much longer the busiest expert works than all would if they were equal.
 *
 * @returns a number from 1 to E; 1 where there are no choices, because nobody waits
 * @example
 * ```ts
 * loadImbalance([6, 2, 4, 4]); // 1.5
 * ```
 */
export function loadImbalance(counts: ArrayLike<number>): number {
  const sum = total(counts);
  return sum === 0 ? 1 : (Math.max(...Array.from(counts)) * counts.length) / sum;
}

/**
 * Entropy of the shares over that of equal shares.
 *
 * @returns a number from 0 to 1; 1 for a single expert, and where there are no choices
 * @example
 * ```ts
 * loadEntropy([4, 4, 0, 0]); // 0.5
 * ```
 */
export function loadEntropy(counts: ArrayLike<number>): number {
  const sum = total(counts);
  if (sum === 0 || counts.length === 1) return 1;
  const shares = Array.from(counts, (count) => count / sum).filter((share) => share > 0);
  return shares.reduce((entropy, share) => entropy - share * Math.log(share), 0) / Math.log(counts.length);
}

/**
 * Experts that nobody chose, ascending.
 *
 * @example
 * ```ts
 * deadExperts([4, 0, 3, 0]); // [1, 3]
 * ```
 */
export function deadExperts(counts: ArrayLike<number>): number[] {
  return Array.from(counts).flatMap((count, expert) => (count === 0 ? [expert] : []));
}

/** Sums the counts of several steps, expert by expert. */
export function sumCounts(steps: readonly ArrayLike<number>[]): number[] {
  const sums = new Array<number>(steps[0]?.length ?? 0).fill(0);
  for (const counts of steps) sums.forEach((sum, expert) => (sums[expert] = sum + counts[expert]!));
  return sums;
}

function total(counts: ArrayLike<number>): number {
  return Array.from(counts).reduce((sum, count) => sum + count, 0);
}
