/**
 * Which choices a layer's capacity keeps: of all tokens together, or of each rank's by themselves.
 *
 * Legend: T = tokens of all ranks, t = of this rank, K = choices per token.
 *
 * @packageDocumentation
 */
import { fromLocal, type PlacementSpec } from "@meshwright/sharding";
import { expertCapacity } from "./capacity.ts";
import type { Routing } from "./choose-experts.ts";
import { loadOf, type Load } from "./expert-load.ts";
import type { LayerCapacity, ResolvedParallel } from "./moe-layer-options.ts";
import { rankRows, tokenPlacements, wholeValues, type RankRows, type RowsOptions } from "./rank-rows.ts";
import { keepWithinCapacity } from "./token-drop.ts";

/** What a capacity decides. */
export interface CapacityPlan {
  readonly capacity: number;
  /** Which pairs are kept of the rows that the dispatcher holds. */
  keptAt(rows: RankRows): Uint8Array;
  /** Of this rank's own rows; undefined where the load is known without. */
  readonly ownKept?: Uint8Array;
  readonly load?: Load;
}

/** Beside the choices. */
export interface CapacityPlanOptions extends RowsOptions {
  readonly numExperts: number;
  /** Where the rows lie that visit the experts. */
  readonly at: PlacementSpec;
}

/**
 * Plans the drops. Communication: with scope `"global"` an all-gather of the choices, and by probability of the weights;
 * with `"rank"` none, unless `at` is not where the tokens are.
 *
 * @param own - the choices of this rank's tokens
 */
export function planCapacity(
  routing: Pick<Routing, "experts" | "weights">,
  capacity: LayerCapacity,
  { own, ...options }: CapacityPlanOptions & { readonly own: RankRows },
): CapacityPlan {
  return capacity.scope === "rank"
    ? keepOnRank(routing, own, { ...options, ...capacity })
    : keepGlobally(routing, { ...options, ...capacity });
}

function keepGlobally(
  { experts, weights }: Pick<Routing, "experts" | "weights">,
  { numExperts, factor, minimum, drop = "position" }: CapacityPlanOptions & LayerCapacity,
): CapacityPlan {
  const [numTokens, topK] = experts.shape as [number, number];
  const capacity = capacityOf(numTokens, { topK, numExperts, factor, minimum });
  const choices = { experts: wholeValues(experts) as Int32Array, numTokens, topK, numExperts };
  const kept = keepWithinCapacity({
    ...choices,
    ...{ capacity, policy: drop },
    ...(drop === "probability" && { weights: wholeValues(weights) as Float32Array }),
  });
  return {
    capacity,
    keptAt: ({ first, shape }) => kept.slice(first * topK, (first + shape[0]!) * topK),
    load: loadOf(choices.experts, kept, numExperts),
  };
}

function keepOnRank(
  { experts, weights }: Pick<Routing, "experts" | "weights">,
  own: RankRows,
  options: CapacityPlanOptions & LayerCapacity,
): CapacityPlan {
  const { numExperts, parallel, factor, minimum, drop = "position" } = options;
  const [numTokens, topK] = experts.shape as [number, number];
  const capacity = capacityOf(largestPart(numTokens, parallel), { topK, numExperts, factor, minimum });
  const ownKept = keepWithinCapacity({
    ...{ experts: own.values as Int32Array, numTokens: own.shape[0]!, topK, numExperts },
    ...{ capacity, policy: drop },
    ...(drop === "probability" && { weights: rankRows(weights, options).values as Float32Array }),
  });
  return { capacity, ownKept, keptAt: (rows) => keptOfRows(ownKept, rows, [numTokens, topK], options) };
}

/** What the ranks keep, at other rows than their own. */
function keptOfRows(
  ownKept: Uint8Array,
  { shape }: RankRows,
  whole: readonly [number, number],
  options: CapacityPlanOptions,
): Uint8Array {
  const { parallel, at } = options;
  const [, topK] = whole;
  if (parallel === undefined || shape[0]! * topK === ownKept.length) return ownKept;
  const values = Int32Array.from(ownKept);
  const local = { values, shape: [values.length / topK, topK] };
  const kept = fromLocal(local, parallel.mesh, tokenPlacements(parallel), { shape: whole });
  const moved = rankRows(kept, options, at);
  kept.dispose();
  return Uint8Array.from(moved.values);
}

function capacityOf(
  tokens: number,
  sizes: {
    readonly topK: number;
    readonly numExperts: number;
    readonly factor: number;
    readonly minimum: number | undefined;
  },
): number {
  const { topK, numExperts, factor, minimum } = sizes;
  return expertCapacity({
    tokens,
    topK,
    experts: numExperts,
    factor,
    ...(minimum !== undefined && { minimum }),
  });
}

/** Most tokens that a rank has: the first rank's, by the `ceil(n / p)` rule. */
function largestPart(numTokens: number, parallel: ResolvedParallel | undefined): number {
  const { mesh, tokenAxes } = parallel ?? { mesh: undefined, tokenAxes: [] };
  return tokenAxes.reduce((rows, axis) => Math.ceil(rows / mesh!.sizeOf(axis)), numTokens);
}
