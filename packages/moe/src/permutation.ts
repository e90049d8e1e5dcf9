/**
 * Where each choice of each token goes when tokens are sorted by expert.
 *
 * Legend: T = tokens, K = choices per token, E = experts, N = pairs that are kept (at most T K), C = capacity.
 *
 * ```text
 *   pair     0   1   2   3   4   5        experts of 3 tokens with 2 choices; pair 3 is dropped
 *   token    0   0   1   1   2   2
 *   expert   2   0   0  (1)  2   0
 *
 *   row      0   1   2   3   4            sorted by expert; pairs of one expert stay in their order
 *   pair     1   2   5   0   4
 *   token    0   1   2   0   2
 *   counts   [3, 0, 2]
 *   rowOf    3   0   1  -1   4   2        the inverse
 * ```
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { checkChoices, type TokenChoices } from "./token-choices.ts";

/** Plain data; `permuteTokens` and `unpermuteTokens` carry it out. */
export interface Permutation {
  readonly numTokens: number;
  readonly topK: number;
  /** Token of each row, `[N]`. */
  readonly tokens: Int32Array;
  /** Pair of each row, `[N]`. */
  readonly pairs: Int32Array;
  /** Row of each pair, `[T * K]`; -1 where it is dropped. */
  readonly rowOf: Int32Array;
  /** Rows of each expert, `[E]`; their sum is N. */
  readonly counts: Int32Array;
}

/** Choices, and which of them are kept. */
export interface PermutationOptions extends TokenChoices {
  /** From `keepWithinCapacity`. Default: all. */
  readonly kept?: Uint8Array;
}

/**
 * Sorts the kept pairs by expert, stably (a counting sort, O(T K + E)).
 *
 * @throws ContractError if the sizes do not fit, or an expert does not exist.
 * @example
 * ```ts
 * const choices = { experts: Int32Array.of(1, 0, 1), numTokens: 3, topK: 1, numExperts: 2 };
 * planPermutation(choices).tokens; // [1, 0, 2]
 * ```
 */
export function planPermutation(options: PermutationOptions): Permutation {
  const { experts, numTokens, topK, numExperts, kept } = options;
  checkChoices("planPermutation", options);
  if (kept !== undefined && kept.length !== experts.length) {
    throw new ContractError(
      `planPermutation: kept (length ${kept.length}) must be as long as experts (${experts.length}); use keepWithinCapacity of the same choices.`,
    );
  }
  const counts = new Int32Array(numExperts);
  experts.forEach((expert, pair) => {
    if (kept?.[pair] !== 0) counts[expert]!++;
  });
  const next = rowStarts(counts);
  const numRows = counts.reduce((sum, count) => sum + count, 0);
  const pairs = new Int32Array(numRows);
  const rowOf = new Int32Array(experts.length).fill(-1);
  experts.forEach((expert, pair) => {
    if (kept?.[pair] === 0) return;
    const row = next[expert]!++;
    pairs[row] = pair;
    rowOf[pair] = row;
  });
  const tokens = pairs.map((pair) => Math.floor(pair / topK));
  return { numTokens, topK, tokens, pairs, rowOf, counts };
}

/** First row of each expert: the sums of the counts before it. */
export function rowStarts(counts: Int32Array): Int32Array {
  const starts = new Int32Array(counts.length);
  for (let i = 1; i < counts.length; i++) starts[i] = starts[i - 1]! + counts[i - 1]!;
  return starts;
}

/**
 * Row of each sorted row in the form in which every expert has `capacity` rows, `[N]`: row `i` of expert `e` goes to
 * `e C + i`. The other rows are padding.
 *
 * @throws ContractError if an expert has more rows than the capacity.
 */
export function paddedRows(counts: Int32Array, capacity: number): Int32Array {
  const full = counts.findIndex((count) => count > capacity);
  if (full >= 0) {
    throw new ContractError(
      `paddedRows: rows of expert ${full} (${counts[full]!}) must be at most the capacity (${capacity}); use keepWithinCapacity first, or a larger capacity.`,
    );
  }
  const rows: number[] = [];
  counts.forEach((count, expert) => {
    for (let i = 0; i < count; i++) rows.push(expert * capacity + i);
  });
  return Int32Array.from(rows);
}

/** Rows in another order, and how many each expert then has. */
export interface RowOrder {
  /** Row of the input that each row of the output is, `[N]`. */
  readonly order: Int32Array;
  /** Rows of each local expert. */
  readonly counts: Int32Array;
}

/**
 * The order that sorts rows which arrived from `p` ranks, each sorted by expert, by expert over all ranks.
 *
 * ```text
 *   arrived   rank 0: a a b    rank 1: b     rank 2: a b      order   0 1 4 | 2 3 5
 *   sorted    a a a b b b                                      counts  [3, 3]
 * ```
 *
 * Rows of one expert stay in the order of the ranks, which is the order of the tokens where ranks hold them in order.
 *
 * @param received - `received[r * numLocalExperts + e]`: rows that rank `r` sent for local expert `e`
 */
export function orderByExpert(received: Int32Array, numLocalExperts: number): RowOrder {
  const starts = rowStarts(received);
  const counts = new Int32Array(numLocalExperts);
  const order: number[] = [];
  for (let expert = 0; expert < numLocalExperts; expert++) {
    for (let piece = expert; piece < received.length; piece += numLocalExperts) {
      counts[expert]! += received[piece]!;
      for (let i = 0; i < received[piece]!; i++) order.push(starts[piece]! + i);
    }
  }
  return { order: Int32Array.from(order), counts };
}
