/**
 * Which dim of a parameter ZeRO splits.
 *
 * A rank must be able to cut its part out of what it holds already. So the dim must not be cut by an axis that comes after
 * the data-parallel one in the mesh, because the earlier axis cuts first:
 *
 * ```
 *   [8] on { dp: 2, tp: 2 }, tp Shard(0)      rank tp 1 holds        4 5 6 7
 *                            dp, tp Shard(0)  rank dp 0, tp 1: 2 3   which it does not hold
 *   [8] on { tp: 2, dp: 2 }, tp, dp Shard(0)  rank tp 1, dp 0: 4 5   which it does
 * ```
 *
 * @packageDocumentation
 */
import { isShard, type Placement } from "../placement.ts";

/** How a parameter lies, without the cut that is to be chosen. */
export interface ShardDimContext {
  /** One per mesh axis. */
  readonly placements: readonly Placement[];
  readonly meshShape: readonly number[];
  /** Index of the mesh axis that is to split the parameter. */
  readonly axis: number;
}

/**
 * Whether no axis after `axis` cuts `dim`, so that the cut along `axis` is within what its ranks hold together. An axis of
 * one rank cuts nothing.
 */
export function isInnermostCut({ placements, meshShape, axis }: ShardDimContext, dim: number): boolean {
  return placements.every(
    (placement, other) => other <= axis || meshShape[other] === 1 || !isShard(placement, dim),
  );
}

/**
 * The dim whose largest part is smallest; the first among equals. `undefined` if no cut leaves a rank with less than it
 * holds: a scalar, or a vector that an axis after `axis` splits.
 */
export function chooseShardDim(shape: readonly number[], context: ShardDimContext): number | undefined {
  const { placements, meshShape, axis } = context;
  let best: number | undefined;
  let bestShare = 1;
  shape.forEach((size, dim) => {
    if (!isInnermostCut(context, dim)) return;
    const held = placements.reduce(
      (n, placement, other) =>
        other < axis && isShard(placement, dim) ? Math.ceil(n / meshShape[other]!) : n,
      size,
    );
    const share = Math.ceil(held / meshShape[axis]!) / held;
    if (share >= bestShare) return;
    best = dim;
    bestShare = share;
  });
  return best;
}
