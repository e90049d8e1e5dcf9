/**
 * The cheapest path from one layout to another: a search over layouts, whose edges are moves.
 *
 * Dijkstra's algorithm over placement vectors, with a lower bound of the rest of the way (A*). Moves that shrink what the
 * ranks hold make later moves cheaper, so the path need not be the shortest:
 *
 * ```
 *   Partial, Partial -> Replicate, Replicate, slow axis first, 8 ranks on the fast one, S bytes
 *     reduce-scatter (fast, 7S/8)  ->  all-reduce (slow, S/8 instead of S)  ->  all-gather (fast, 7S/8)
 * ```
 *
 * The direct path (`redistributeSteps`: one axis at a time, in an order that always works) is the one to beat. Pure
 * function of global shapes, placements and costs: every rank finds the same path.
 *
 * @see Hart, Nilsson, Raphael 1968, "A Formal Basis for the Heuristic Determination of Minimum Cost Paths"
 *
 * @packageDocumentation
 */
import type { MeshGeometry } from "../mesh.ts";
import { Replicate, type Placement } from "../placement.ts";
import { lowerBoundTo } from "./lower-bound.ts";
import type { MovedTensor } from "./move-bytes.ts";
import { moveCost, pathCost } from "./move-cost.ts";
import { changedAxes, commonPartialOp, moveBetween, type Move } from "./move.ts";
import { choicesFor, movesFrom } from "./next-layouts.ts";
import { PriorityQueue } from "./priority-queue.ts";
import { redistributeSteps } from "./steps.ts";

/** A tensor that is to be redistributed. */
export interface Redistribution {
  /** Global shape. */
  readonly shape: readonly number[];
  readonly bytesPerElement: number;
  /** One placement per mesh axis. */
  readonly from: readonly Placement[];
  readonly to: readonly Placement[];
}

/**
 * Work after which the best path so far is taken: 250 layouts and their moves, a few milliseconds. An exchange among n
 * ranks counts n^2 / 500 of a layout.
 */
const MAX_WORK = 250;
const PAIRS_PER_LAYOUT = 500;

/** A path must be cheaper by more than rounding to be preferred. */
const RELATIVE_GAIN = 1e-9;

/** The moves, in order; none where the layouts are the same. Axes of one rank take no part. */
export function planRedistribute(
  mesh: MeshGeometry,
  { shape, bytesPerElement, ...ends }: Redistribution,
): Move[] {
  const from = withoutSingleRanks(ends.from, mesh.shape);
  const to = withoutSingleRanks(ends.to, mesh.shape);
  if (changedAxes(from, to).length === 0) return [];
  const tensor = { shape, bytesPerElement, meshShape: mesh.shape };
  const direct = directPath(from, to);
  // A maximum of sums is no sum of maxima, so the order in which such values are reduced is part of what they mean.
  if (commonPartialOp([...from, ...to]) === "mixed") return direct;
  const limit = pathCost(direct, mesh, tensor) * (1 - RELATIVE_GAIN);
  return cheaperPath(from, to, { mesh, tensor, limit }) ?? direct;
}

/** One axis after the other. */
export function directPath(from: readonly Placement[], to: readonly Placement[]): Move[] {
  const current = [...from];
  return redistributeSteps(from, to).map((step) => {
    const before = [...current];
    current[step.axis] = step.to;
    // Steps never change a cut inside which another one lies, so each is a move.
    return moveBetween(before, [...current])!;
  });
}

/** A layout on the way, and how it was reached. */
interface Stop {
  readonly layout: readonly Placement[];
  readonly key: string;
  readonly cost: number;
  readonly arrival: { readonly move: Move; readonly previous: Stop } | undefined;
}

interface Search {
  readonly mesh: MeshGeometry;
  readonly tensor: MovedTensor;
  /** Only paths that cost less are of interest. */
  readonly limit: number;
}

function cheaperPath(
  from: readonly Placement[],
  to: readonly Placement[],
  { mesh, tensor, limit }: Search,
): Move[] | undefined {
  const boundOf = lowerBoundTo(to, mesh, tensor);
  const choices = choicesFor(tensor.shape, from, to);
  const goalKey = keyOf(to);
  const best = new Map<string, number>();
  const queue = new PriorityQueue<Stop>();
  const start: Stop = { layout: from, key: keyOf(from), cost: 0, arrival: undefined };
  best.set(start.key, 0);
  queue.push(start, 0);
  let bestTotal = limit;
  let arrived: Stop | undefined;
  for (let work = 0; work < MAX_WORK;) {
    const stop = queue.pop()?.item;
    if (stop === undefined || stop.key === goalKey) break;
    if (stop.cost > best.get(stop.key)!) continue;
    work++;
    const isWorthwhile = (layout: readonly Placement[]): boolean => stop.cost + boundOf(layout) < bestTotal;
    for (const move of movesFrom(stop.layout, choices, isWorthwhile)) {
      const rest = boundOf(move.to);
      if (move.kind === "allToAll")
        work += move.axes.reduce((n, axis) => n * mesh.shape[axis]! ** 2, 1 / PAIRS_PER_LAYOUT);
      const cost = stop.cost + moveCost(move, mesh, tensor);
      const key = keyOf(move.to);
      if (cost + rest >= bestTotal || cost >= (best.get(key) ?? Infinity)) continue;
      const next: Stop = { layout: move.to, key, cost, arrival: { move, previous: stop } };
      best.set(key, cost);
      queue.push(next, cost + rest);
      if (key !== goalKey) continue;
      bestTotal = cost;
      arrived = next;
    }
  }
  return arrived && pathTo(arrived);
}

function pathTo(stop: Stop): Move[] {
  const moves: Move[] = [];
  for (let at = stop; at.arrival !== undefined; at = at.arrival.previous) moves.unshift(at.arrival.move);
  return moves;
}

/** On an axis of one rank all placements are the same. */
function withoutSingleRanks(placements: readonly Placement[], meshShape: readonly number[]): Placement[] {
  return placements.map((placement, axis) => (meshShape[axis] === 1 ? Replicate() : placement));
}

function keyOf(layout: readonly Placement[]): string {
  let key = "";
  for (const placement of layout) {
    key +=
      placement.kind === "shard"
        ? `${placement.dim},`
        : placement.kind === "replicate"
          ? "r,"
          : `${placement.op},`;
  }
  return key;
}
