/**
 * Mean and spread of rows that several ranks hold in parts.
 *
 * Legend: n = elements of a part, mu = its mean, M = its sum of squared differences from mu.
 *
 * Two parts combine to `n = n_a + n_b`, `mu = mu_a + d n_b / n`, `M = M_a + M_b + d^2 n_a n_b / n` with
 * `d = mu_b - mu_a`. Nothing cancels, as it would in `mean(x^2) - mean(x)^2`: rows far from zero keep their precision.
 *
 * @see Chan, Golub, LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances",
 * http://i.stanford.edu/pub/cstr/reports/cs/tr/79/773/CS-TR-79-773.pdf
 * @packageDocumentation
 */
import type { NumericArray, ProcessGroup } from "@meshwright/core";

/** Statistics of parts of rows: the number of elements, then mu of every row, then M of every row. */
export type PartStatistics = Float32Array;

/** The statistics of rows of `size` elements each, one after the other. */
export function partStatistics(values: NumericArray, size: number, numRows: number): PartStatistics {
  const statistics = new Float32Array(1 + 2 * numRows);
  statistics[0] = size;
  if (size === 0) return statistics;
  for (let row = 0, start = 0; row < numRows; row++, start += size) {
    let sum = 0;
    for (let i = start; i < start + size; i++) sum += values[i]!;
    const mean = sum / size;
    let squares = 0;
    for (let i = start; i < start + size; i++) squares += (values[i]! - mean) ** 2;
    statistics[1 + row] = mean;
    statistics[1 + numRows + row] = squares;
  }
  return statistics;
}

/** The statistics of whole rows out of every rank's: one all-gather per group, the innermost cut first. */
export function combineStatistics(
  mine: PartStatistics,
  groups: readonly ProcessGroup[],
  label: string,
): PartStatistics {
  let combined = mine;
  for (const group of groups.toReversed()) {
    combined = combineParts(group.allGather(combined, { label }), group.size);
  }
  return combined;
}

function combineParts(gathered: Float32Array, numParts: number): PartStatistics {
  const length = gathered.length / numParts;
  const numRows = (length - 1) / 2;
  const combined = new Float32Array(length);
  let total = 0;
  for (let part = 0; part < numParts; part++) total += gathered[part * length]!;
  combined[0] = total;
  for (let row = 0; row < numRows; row++) {
    let count = 0;
    let mean = 0;
    let squares = 0;
    for (let start = 0; start < gathered.length; start += length) {
      const partCount = gathered[start]!;
      if (partCount === 0) continue;
      const difference = gathered[start + 1 + row]! - mean;
      const before = count;
      count += partCount;
      mean += (difference * partCount) / count;
      squares +=
        gathered[start + 1 + numRows + row]! + (difference * difference * before * partCount) / count;
    }
    combined[1 + row] = mean;
    combined[1 + numRows + row] = squares;
  }
  return combined;
}
