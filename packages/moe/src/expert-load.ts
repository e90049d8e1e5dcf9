/**
 * How many choices fell on each expert, over all ranks.
 *
 * @packageDocumentation
 */
import type { ResolvedParallel } from "./moe-layer-options.ts";

/** The load of all ranks. */
export interface Load {
  /** Choices per expert before drops, `[E]`. */
  readonly counts: Int32Array;
  readonly dropped: number;
}

/** The load of some choices. */
export function loadOf(experts: ArrayLike<number>, kept: Uint8Array | undefined, numExperts: number): Load {
  const counts = new Int32Array(numExperts);
  for (const expert of Array.from(experts)) counts[expert]!++;
  return { counts, dropped: kept?.reduce((sum, one) => sum + 1 - one, 0) ?? 0 };
}

/** The load of all ranks from each rank's own: one all-reduce of `4 (E + 1)` bytes over the ranks that split the tokens. */
export function sumOverRanks(own: Load, parallel: ResolvedParallel | undefined): Load {
  const numExperts = own.counts.length;
  if (parallel === undefined || parallel.tokenAxes.length === 0) return own;
  const sums = Int32Array.of(...own.counts, own.dropped);
  parallel.mesh.productGroup(parallel.tokenAxes).allReduce(sums, { label: "expert load" });
  return { counts: sums.slice(0, numExperts), dropped: sums[numExperts]! };
}
