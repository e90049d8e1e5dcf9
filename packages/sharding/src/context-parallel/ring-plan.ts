/**
 * Which blocks of queries and keys each rank computes as keys and values go around the ring. Pure.
 *
 * ```
 *   step 0         step 1         step 2          p = 3, zigzag, seen by rank 1 (chunks 1 and 4)
 *   keys of r1     keys of r0     keys of r2
 *      1 4            0 5            2 3
 *   1  d .         1  x .         1  . .           d causal inside the block, x whole, . hidden: not computed
 *   4  x d         4  x .         4  x x
 * ```
 *
 * @packageDocumentation
 */
import { chunksOf, type ContextOrder } from "./chunk-order.ts";

/** A chunk of this rank's queries and a chunk of the visiting keys, by their place among the two that each rank holds. */
export interface Block {
  readonly query: number;
  readonly key: number;
  /** `true`: both are the same chunk, so a position sees those up to itself; else it sees all of them. */
  readonly isCausal: boolean;
}

/** What is computed while the keys and values of one rank are here. */
export interface RingStep {
  /** The rank whose keys and values they are. */
  readonly owner: number;
  readonly blocks: readonly Block[];
}

/** The steps of the rank at position `rank`: its own keys first, then those of the rank before it, and so on. */
export function ringPlan(order: ContextOrder, rank: number, numRanks: number): readonly RingStep[] {
  const queries = chunksOf(order, rank, numRanks);
  return Array.from({ length: numRanks }, (_, step) => {
    const owner = (rank - step + numRanks) % numRanks;
    const keys = chunksOf(order, owner, numRanks);
    const blocks = queries.flatMap((queryChunk, query) =>
      keys.flatMap((keyChunk, key) =>
        keyChunk > queryChunk ? [] : [{ query, key, isCausal: keyChunk === queryChunk }],
      ),
    );
    return { owner, blocks };
  });
}
