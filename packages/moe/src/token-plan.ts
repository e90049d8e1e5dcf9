/**
 * What a rank knows of the choices before it moves a token: which experts, which of the choices are kept, how many there
 * are over all ranks.
 *
 * Legend: T = tokens of all ranks, t = of this rank's part, K = choices per token, E = experts.
 *
 * | what                              | communication                                                       |
 * | --------------------------------- | ------------------------------------------------------------------- |
 * | no capacity, or of each rank      | none                                                                |
 * | capacity over all ranks           | all-gather of `4 T K` bytes; by probability of the weights as well  |
 * | load, without the line above      | all-reduce of `4 (E + 1)` bytes                                     |
 *
 * @packageDocumentation
 */
import { ContractError, type NumericArray } from "@meshwright/core";
import { fromLocal, full, Replicate, shard, Shard, toLocal, type PlacementSpec } from "@meshwright/sharding";
import { getBackend, type Tensor } from "@tensorflow/tfjs";
import { expertCapacity } from "./capacity.ts";
import type { Routing } from "./choose-experts.ts";
import type { LayerCapacity, ResolvedParallel } from "./moe-layer-options.ts";
import type { TokenChoices } from "./token-choices.ts";
import { keepWithinCapacity } from "./token-drop.ts";

/** Choices of the tokens that a rank sends, or of all that it gathers. */
export interface TokenPlan extends TokenChoices {
  /** 1 for each pair that is kept; undefined where nothing can be dropped. */
  readonly kept: Uint8Array | undefined;
  /** Rows of an expert per rank, where they are padded to it. */
  readonly paddedTo: number | undefined;
}

/** The load of all ranks. */
export interface Load {
  /** Choices per expert before drops, `[E]`. */
  readonly counts: Int32Array;
  readonly dropped: number;
}

/** What decides a plan. */
export interface PlanOptions {
  readonly where: string;
  readonly numExperts: number;
  readonly capacity: LayerCapacity | undefined;
  readonly parallel: ResolvedParallel | undefined;
  /** Where the tokens lie when their experts are asked: as `tokenPlacements`, or gathered over the expert axis. */
  readonly at: PlacementSpec;
  readonly needsLoad: boolean;
}

/** Rows split over the token axes, whole along all others. */
export function tokenPlacements({ mesh, tokenAxes }: ResolvedParallel): PlacementSpec {
  return Object.fromEntries(
    mesh.axisNames.map((axis) => [axis, tokenAxes.includes(axis) ? Shard(0) : Replicate()]),
  );
}

/**
 * Reads the choices. A collective where the table above says so; every rank calls it.
 *
 * @throws ContractError if the tokens are split over a mesh that the layer does not know.
 */
export function planTokens(
  routing: Pick<Routing, "experts" | "weights">,
  options: PlanOptions,
): { readonly plan: TokenPlan; readonly load: Load | undefined } {
  const { numExperts, capacity } = options;
  const [numTokens, topK] = routing.experts.shape as [number, number];
  const own = partOf(routing.experts, options);
  const decided =
    capacity === undefined
      ? undefined
      : (capacity.scope ?? "global") === "global"
        ? keepGlobally(routing, capacity, options)
        : keepOnRank(routing, own, capacity, options);
  const part = own.shape[0] === numTokens ? own : partOf(routing.experts, options, options.at);
  const plan: TokenPlan = {
    ...{ experts: part.values as Int32Array, numTokens: part.shape[0]!, topK, numExperts },
    kept: decided?.keptAt(part),
    paddedTo: capacity?.pad === true ? decided?.capacity : undefined,
  };
  if (!options.needsLoad) return { plan, load: undefined };
  const load = decided?.load ?? sumOverRanks(own.values, decided?.ownKept, options);
  return { plan, load };
}

/** Rows of a tensor that a rank has. */
interface Rows {
  readonly values: NumericArray;
  readonly shape: readonly number[];
  /** Index of the first row. */
  readonly first: number;
}

/** What a capacity decides. */
interface Decided {
  readonly capacity: number;
  /** Which pairs are kept of the rows that the dispatcher holds. */
  keptAt(rows: Rows): Uint8Array;
  /** Of this rank's own rows; undefined where the load is known without. */
  readonly ownKept?: Uint8Array;
  readonly load?: Load;
}

function keepGlobally(
  { experts, weights }: Pick<Routing, "experts" | "weights">,
  { factor, minimum, drop = "position" }: LayerCapacity,
  { numExperts }: PlanOptions,
): Decided {
  const [numTokens, topK] = experts.shape as [number, number];
  const capacity = capacityOf(numTokens, { topK, numExperts, factor, minimum });
  const choices = { experts: wholeOf(experts) as Int32Array, numTokens, topK, numExperts };
  const kept = keepWithinCapacity({
    ...choices,
    ...{ capacity, policy: drop },
    ...(drop === "probability" && { weights: wholeOf(weights) as Float32Array }),
  });
  return {
    capacity,
    keptAt: ({ first, shape }) => kept.slice(first * topK, (first + shape[0]!) * topK),
    load: loadOf(choices.experts, kept, numExperts),
  };
}

function keepOnRank(
  { experts, weights }: Pick<Routing, "experts" | "weights">,
  own: Rows,
  { factor, minimum, drop = "position" }: LayerCapacity,
  options: PlanOptions,
): Decided {
  const { numExperts, parallel } = options;
  const [numTokens, topK] = experts.shape as [number, number];
  const capacity = capacityOf(largestPart(numTokens, parallel), { topK, numExperts, factor, minimum });
  const ownKept = keepWithinCapacity({
    ...{ experts: own.values as Int32Array, numTokens: own.shape[0]!, topK, numExperts },
    ...{ capacity, policy: drop },
    ...(drop === "probability" && { weights: partOf(weights, options).values as Float32Array }),
  });
  return { capacity, ownKept, keptAt: (rows) => keptOfRows(ownKept, rows, [numTokens, topK], options) };
}

/** What the ranks keep, at other rows than their own. */
function keptOfRows(
  ownKept: Uint8Array,
  { shape }: Rows,
  whole: readonly [number, number],
  options: PlanOptions,
): Uint8Array {
  const { parallel, at } = options;
  const [, topK] = whole;
  if (parallel === undefined || shape[0]! * topK === ownKept.length) return ownKept;
  const values = Int32Array.from(ownKept);
  const local = { values, shape: [values.length / topK, topK] };
  const kept = fromLocal(local, parallel.mesh, tokenPlacements(parallel), { shape: whole });
  const moved = partOf(kept, options, at);
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

function partOf(t: Tensor, { where, parallel }: PlanOptions, at?: PlacementSpec): Rows {
  if (parallel === undefined) {
    if (getBackend() === "sharded" && toLocal(t).shape[0] !== t.shape[0]) {
      throw new ContractError(
        `${where}: parallel (undefined) must name the mesh that splits the tokens (${toLocal(t).shape[0]!} of ${t.shape[0]} on this rank); use parallel: { mesh, dataAxes: ["dp"] }.`,
      );
    }
    return { values: t.dataSync<"float32">(), shape: t.shape, first: 0 };
  }
  const placed = shard(t, parallel.mesh, at ?? tokenPlacements(parallel));
  const { values, shape, offset } = toLocal(placed);
  placed.dispose();
  return { values, shape, first: offset[0]! };
}

function wholeOf(t: Tensor): NumericArray {
  if (getBackend() !== "sharded") return t.dataSync<"float32">();
  const whole = full(t);
  const values = whole.dataSync<"float32">();
  whole.dispose();
  return values;
}

function loadOf(experts: ArrayLike<number>, kept: Uint8Array | undefined, numExperts: number): Load {
  const counts = new Int32Array(numExperts);
  for (const expert of Array.from(experts)) counts[expert]!++;
  return { counts, dropped: kept?.reduce((sum, one) => sum + 1 - one, 0) ?? 0 };
}

function sumOverRanks(
  experts: ArrayLike<number>,
  kept: Uint8Array | undefined,
  { numExperts, parallel }: PlanOptions,
): Load {
  const own = loadOf(experts, kept, numExperts);
  if (parallel === undefined || parallel.tokenAxes.length === 0) return own;
  const sums = Int32Array.of(...own.counts, own.dropped);
  parallel.mesh.productGroup(parallel.tokenAxes).allReduce(sums, { label: "expert load" });
  return { counts: sums.slice(0, numExperts), dropped: sums[numExperts]! };
}
