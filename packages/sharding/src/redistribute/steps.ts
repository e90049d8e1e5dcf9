/**
 * The order of single-axis moves that leads from one layout to another.
 *
 * Where one dim is split by several axes, an outer cut can change only while no inner cut is there: the inner axes are
 * gathered first and split again afterwards. Moves that shrink a rank's share come before moves that grow it.
 *
 * @packageDocumentation
 */
import { isShard, Replicate, samePlacement, type Placement } from "../placement.ts";

/** Changes the placement along one mesh axis. */
export interface Step {
  /** Index of the mesh axis. */
  readonly axis: number;
  readonly from: Placement;
  readonly to: Placement;
}

/** Pure; both lists hold one placement per mesh axis. */
export function redistributeSteps(from: readonly Placement[], to: readonly Placement[]): Step[] {
  const current = [...from];
  const steps: Step[] = [];
  const move = (axis: number, target: Placement): void => {
    if (samePlacement(current[axis]!, target)) return;
    // A value becomes partial only from whole: one rank keeps it, the others hold the neutral element.
    if (target.kind === "partial") move(axis, Replicate());
    steps.push({ axis, from: current[axis]!, to: target });
    current[axis] = target;
  };
  const blocked = innerCutsInTheWay(current, to);
  for (let axis = from.length - 1; axis >= 0; axis--) if (blocked.has(axis)) move(axis, Replicate());
  for (let axis = 0; axis < from.length; axis++) {
    const target = to[axis]!;
    if (target.kind !== "shard") {
      if (current[axis]!.kind !== "shard") move(axis, target);
      continue;
    }
    // An outer cut of the same dim that will go has to go before the inner one comes.
    for (let outer = 0; outer < axis; outer++) {
      if (isShard(current[outer]!, target.dim)) move(outer, to[outer]!);
    }
    move(axis, target);
  }
  for (let axis = from.length - 1; axis >= 0; axis--) move(axis, to[axis]!);
  return steps;
}

/** Axes whose cut lies inside a cut that changes. */
function innerCutsInTheWay(current: readonly Placement[], to: readonly Placement[]): Set<number> {
  const blocked = new Set<number>();
  for (let outer = 0; outer < current.length; outer++) {
    if (samePlacement(current[outer]!, to[outer]!) && !blocked.has(outer)) continue;
    for (const end of [current[outer]!, to[outer]!]) {
      if (end.kind !== "shard") continue;
      for (let inner = outer + 1; inner < current.length; inner++) {
        if (isShard(current[inner]!, end.dim)) blocked.add(inner);
      }
    }
  }
  return blocked;
}
