/**
 * Which part of a sequence each rank holds.
 *
 * A causal query sees what lies before it, so late positions are more work than early ones. The sequence is cut into
 * `2p` chunks, and each rank gets an early one and a late one:
 *
 * ```
 *   chunk            0    1    2    3    4    5        p = 3
 *   zigzag           r0   r1   r2   r2   r1   r0       each rank: 7 blocks of queries and keys
 *   contiguous       r0   r0   r1   r1   r2   r2       r0 3, r1 7, r2 11
 * ```
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";

/** How chunks are dealt out: `"zigzag"` is balanced, `"contiguous"` leaves tokens in their order. */
export type ContextOrder = "zigzag" | "contiguous";

/** Chunks per rank. */
export const CHUNKS_PER_RANK = 2;

/** The chunks that the rank at position `rank` of `numRanks` holds, in the order in which it holds them. */
export function chunksOf(order: ContextOrder, rank: number, numRanks: number): readonly [number, number] {
  return order === "zigzag" ? [rank, 2 * numRanks - 1 - rank] : [2 * rank, 2 * rank + 1];
}

/**
 * The positions of a sequence in the order in which ranks hold them: element `i` of the permuted sequence is element
 * `order[i]` of the original one. Split by `Shard`, each rank gets its two chunks.
 *
 * @example
 * ```ts
 * contextParallelOrder(8, 2); // [0, 1, 6, 7, 2, 3, 4, 5]: rank 0 has the first and the last quarter
 * ```
 * @throws ContractError if the sequence is not a multiple of `2 * numRanks` long.
 */
export function contextParallelOrder(
  length: number,
  numRanks: number,
  options: { readonly order?: ContextOrder } = {},
): Int32Array {
  const size = chunkLength("contextParallelOrder", length, numRanks);
  const positions = new Int32Array(length);
  for (let rank = 0, at = 0; rank < numRanks; rank++) {
    for (const chunk of chunksOf(options.order ?? "zigzag", rank, numRanks)) {
      for (let i = 0; i < size; i++) positions[at++] = chunk * size + i;
    }
  }
  return positions;
}

/** Positions per chunk. @throws ContractError if chunks would be uneven. */
export function chunkLength(where: string, length: number, numRanks: number): number {
  const chunks = CHUNKS_PER_RANK * numRanks;
  if (Number.isInteger(length) && length > 0 && length % chunks === 0) return length / chunks;
  throw new ContractError(
    `${where}: the sequence length (${length}) must be a multiple of twice the ranks of the axis (${chunks}), so that all have the same work; use for example ${chunks * Math.max(1, Math.ceil(length / chunks))}, padded with labels that are ignored.`,
  );
}
