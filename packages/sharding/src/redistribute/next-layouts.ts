/**
 * The layouts that one move can reach, for the search of a path.
 *
 * @packageDocumentation
 */
import { Replicate, samePlacement, Shard, type Placement } from "../placement.ts";
import { moveBetween, type Move } from "./move.ts";

/** What the search may use. */
export interface MoveChoices {
  readonly goal: readonly Placement[];
  /** All layouts, where they are few enough that every one may be the next. */
  readonly layouts: readonly (readonly Placement[])[] | undefined;
  /** Else, per axis: the placements that it may have on the way, besides the goal's. None is partial. */
  readonly along: readonly (readonly Placement[])[];
  /** Sets of axes that may change at once. */
  readonly fused: readonly (readonly number[])[];
  /** Cuts that several partial axes may take at once. */
  readonly cuts: readonly Placement[];
}

/** Up to so many layouts, every move from every layout is looked at: two axes and 6 dims, or three axes and 2 dims. */
const MAX_EXHAUSTIVE = 70;
/** Up to so many, an axis may be cut along any dim on the way; beyond, along those of its ends and one more. */
const MAX_LAYOUTS = 600;

/** What a path from one layout to another may use. */
export function choicesFor(
  shape: readonly number[],
  from: readonly Placement[],
  goal: readonly Placement[],
): MoveChoices {
  const named = new Set([...from, ...goal].flatMap((p) => (p.kind === "shard" ? [p.dim] : [])));
  // Cutting a dim of one element leaves the other ranks nothing to do.
  const dims = [...shape.keys()].filter((dim) => shape[dim]! > 1 || named.has(dim));
  const numLayouts = (dims.length + 2) ** from.length;
  // Where there is a choice, dims that no end names come first, long ones before short ones.
  const extra = [...dims].sort(
    (a, b) => Number(named.has(a)) - Number(named.has(b)) || shape[b]! - shape[a]! || a - b,
  );
  const along = from.map((_, axis) => {
    if (numLayouts <= MAX_LAYOUTS) return [Replicate(), ...dims.map((dim) => Shard(dim))];
    const own = [from[axis]!, goal[axis]!].flatMap((p) => (p.kind === "shard" ? [p.dim] : []));
    const others = extra.slice(axis % Math.max(1, extra.length));
    const cut = [...new Set([...own, ...others])].slice(0, own.length + 1);
    return [Replicate(), ...cut.map((dim) => Shard(dim))];
  });
  const cuts = (numLayouts <= MAX_LAYOUTS ? dims : extra.slice(0, 1)).map((dim) => Shard(dim));
  const layouts = numLayouts <= MAX_EXHAUSTIVE ? layoutsOf(from, goal, along) : undefined;
  return { goal, layouts, along, fused: subsetsOf(from.length), cuts };
}

/**
 * The moves from a layout, in a fixed order: along one axis, then along several at once. Layouts that `isWorthwhile`
 * rejects are left out.
 */
export function movesFrom(
  current: readonly Placement[],
  choices: MoveChoices,
  isWorthwhile: (layout: readonly Placement[]) => boolean,
): Move[] {
  const moves: Move[] = [];
  const add = (to: readonly Placement[], mayExchange: boolean): void => {
    if (!isWorthwhile(to)) return;
    const move = moveBetween(current, to);
    if (move === undefined) return;
    // An exchange among several axes takes them where they shall be, or it is one too many.
    if (move.kind === "allToAll" && move.axes.length > 1 && !mayExchange) return;
    moves.push(move);
  };
  if (choices.layouts !== undefined) {
    for (const layout of choices.layouts) add(layout, true);
    return moves;
  }
  for (let axis = 0; axis < current.length; axis++) {
    const old = current[axis]!;
    const target = choices.goal[axis]!;
    for (const placement of choices.along[axis]!) {
      if (!samePlacement(placement, old)) {
        add(withPlacement(current, axis, placement), samePlacement(placement, unreduced(target)));
      }
    }
    // Nothing becomes partial on the way: that would have to be reduced again.
    if (old.kind === "replicate" && target.kind === "partial") {
      add(withPlacement(current, axis, target), false);
    }
  }
  for (const axes of choices.fused) addFused(axes, current, choices, add);
  return moves;
}

/** Where an axis has to be before it becomes partial; else the placement itself. */
function unreduced(goal: Placement): Placement {
  return goal.kind === "partial" ? Replicate() : goal;
}

/** All combinations of the placements that the axes may have. */
function layoutsOf(
  from: readonly Placement[],
  goal: readonly Placement[],
  along: readonly (readonly Placement[])[],
): Placement[][] {
  let layouts: Placement[][] = [[]];
  along.forEach((placements, axis) => {
    const partial = [from[axis]!, goal[axis]!].filter(({ kind }) => kind === "partial").slice(0, 1);
    layouts = layouts.flatMap((layout) => [...placements, ...partial].map((p) => [...layout, p]));
  });
  return layouts;
}

/** Several axes at once: to where they shall be; partial ones and cut ones also to whole; partial ones also to one cut. */
function addFused(
  axes: readonly number[],
  current: readonly Placement[],
  { goal, cuts }: MoveChoices,
  add: (to: readonly Placement[], mayExchange: boolean) => void,
): void {
  const { kind } = current[axes[0]!]!;
  const areAlike = axes.every((axis) => current[axis]!.kind === kind);
  const change = (placementOf: (axis: number) => Placement, mayExchange: boolean): void => {
    const to = [...current];
    for (const axis of axes) {
      const placement = placementOf(axis);
      if (samePlacement(placement, current[axis]!)) return;
      to[axis] = placement;
    }
    add(to, mayExchange);
  };
  change((axis) => goal[axis]!, true);
  // A value becomes partial only from whole.
  if (kind !== "partial" && axes.some((axis) => goal[axis]!.kind === "partial")) {
    change((axis) => unreduced(goal[axis]!), true);
  }
  if (!areAlike || kind === "replicate") return;
  if (axes.some((axis) => goal[axis]!.kind !== "replicate")) change(() => Replicate(), false);
  if (kind !== "partial") return;
  for (const cut of cuts) {
    if (axes.some((axis) => !samePlacement(goal[axis]!, cut))) change(() => cut, false);
  }
}

function withPlacement(current: readonly Placement[], axis: number, placement: Placement): Placement[] {
  const to = [...current];
  to[axis] = placement;
  return to;
}

/** Sets of two and more of `0..count-1`, small sets first. */
function subsetsOf(count: number): number[][] {
  const all = Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: 2 ** count }, (_, bits) => all.filter((i) => (bits >> i) & 1))
    .filter((subset) => subset.length > 1)
    .sort((a, b) => a.length - b.length);
}
