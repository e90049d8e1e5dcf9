/**
 * A move: one local step, or one collective, that changes the placement along one or several mesh axes.
 *
 * ```
 *   along one axis                                      along several at once ("fused")
 *   Shard(d)   -> Replicate    all-gather               Shard, Shard     -> Replicate, Replicate   all-gather
 *   Partial    -> Replicate    all-reduce               Partial, Partial -> Replicate, Replicate   all-reduce
 *   Partial    -> Shard(d)     reduce-scatter           Partial, Partial -> Shard, Shard           reduce-scatter
 *   Shard(d)   -> Shard(e)     all-to-all               Shard, Replicate -> Replicate, Shard       all-to-all
 *   Replicate  -> Shard(d)     local slice              (any Shard or Replicate to any other: an all-to-all)
 *   Replicate  -> Partial      local zeros
 * ```
 *
 * A fused move runs over the ranks of all its axes (`DeviceMesh.productGroup`). Its axes are those that change, and those
 * whose cut of a dim lies inside a cut that changes: `Replicate, Shard(0) -> Shard(0), Shard(0)` changes axis 0 only, but
 * moves what the ranks along axis 1 hold.
 *
 * @packageDocumentation
 */
import { isShard, samePlacement, type PartialOp, type Placement } from "../placement.ts";

/** How a move is carried out. */
export type MoveKind = "allReduce" | "allGather" | "reduceScatter" | "allToAll" | "local";

/** Changes the placement along some axes in one step. */
export interface Move {
  readonly kind: MoveKind;
  /** Indices of the axes whose ranks take part, ascending. */
  readonly axes: readonly number[];
  /** One placement per mesh axis, before and after. */
  readonly from: readonly Placement[];
  readonly to: readonly Placement[];
}

/** The one move that leads from one layout to another, or `undefined` where that takes several. */
export function moveBetween(from: readonly Placement[], to: readonly Placement[]): Move | undefined {
  const changed = changedAxes(from, to);
  if (changed.length === 0) return undefined;
  const nested = nestedAxes(from, to, changed);
  const kind = kindOf(from, to, changed, nested.length > 0);
  if (kind === undefined) return undefined;
  const axes = nested.length === 0 ? changed : [...changed, ...nested].sort((a, b) => a - b);
  return { kind, axes, from, to };
}

/** Indices of the axes whose placement differs. */
export function changedAxes(from: readonly Placement[], to: readonly Placement[]): number[] {
  const changed: number[] = [];
  for (let axis = 0; axis < from.length; axis++) {
    if (!samePlacement(from[axis]!, to[axis]!)) changed.push(axis);
  }
  return changed;
}

/** The operation by which partial values combine, if all partial axes agree on one. */
export function commonPartialOp(placements: readonly Placement[]): PartialOp | "none" | "mixed" {
  let common: PartialOp | "none" = "none";
  for (const placement of placements) {
    if (placement.kind !== "partial") continue;
    if (common !== "none" && common !== placement.op) return "mixed";
    common = placement.op;
  }
  return common;
}

/** Unchanged axes that cut a dim inside a cut of it that changes. */
function nestedAxes(
  from: readonly Placement[],
  to: readonly Placement[],
  changed: readonly number[],
): number[] {
  const nested: number[] = [];
  for (let inner = changed[0]! + 1; inner < from.length; inner++) {
    const cut = from[inner]!;
    if (cut.kind !== "shard" || changed.includes(inner)) continue;
    const isInside = changed.some(
      (outer) => outer < inner && (isShard(from[outer]!, cut.dim) || isShard(to[outer]!, cut.dim)),
    );
    if (isInside) nested.push(inner);
  }
  return nested;
}

function kindOf(
  from: readonly Placement[],
  to: readonly Placement[],
  changed: readonly number[],
  hasNested: boolean,
): MoveKind | undefined {
  const allFrom = (kind: Placement["kind"]): boolean => changed.every((axis) => from[axis]!.kind === kind);
  const allTo = (kind: Placement["kind"]): boolean => changed.every((axis) => to[axis]!.kind === kind);
  const anyPartial = (side: readonly Placement[]): boolean =>
    changed.some((axis) => side[axis]!.kind === "partial");
  if (anyPartial(from)) {
    if (!allFrom("partial") || commonPartialOp(changed.map((axis) => from[axis]!)) === "mixed")
      return undefined;
    if (allTo("replicate")) return "allReduce";
    return allTo("shard") && !hasNested ? "reduceScatter" : undefined;
  }
  if (anyPartial(to)) return allFrom("replicate") && allTo("partial") ? "local" : undefined;
  if (!hasNested && allFrom("replicate")) return "local";
  if (!hasNested && allTo("replicate")) return "allGather";
  return "allToAll";
}
