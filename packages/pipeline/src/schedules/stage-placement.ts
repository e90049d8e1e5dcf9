/**
 * Which rank holds which stages.
 *
 * ```
 *   looped (p = 4, v = 2)                   V-shaped (p = 4)
 *   rank      0  1  2  3                    rank      0  1  2  3
 *   chunk 0   0  1  2  3                    chunk 0   0  1  2  3
 *   chunk 1   4  5  6  7                    chunk 1   7  6  5  4
 * ```
 *
 * @packageDocumentation
 */

/** `stages[rank][chunk]` where the stages go round the ranks `chunksPerRank` times, always in the same direction. */
export function loopedStages(numRanks: number, chunksPerRank = 1): number[][] {
  return perRank(numRanks, (rank) =>
    Array.from({ length: chunksPerRank }, (_, chunk) => chunk * numRanks + rank),
  );
}

/** `stages[rank][chunk]` where the stages go down the ranks and back up: the first and the last are on rank 0. */
export function vShapedStages(numRanks: number): number[][] {
  return perRank(numRanks, (rank) => [rank, 2 * numRanks - 1 - rank]);
}

/** `make(0)`, ..., `make(numRanks - 1)`. */
export function perRank<T>(numRanks: number, make: (rank: number) => T): T[] {
  return Array.from({ length: numRanks }, (_, rank) => make(rank));
}
