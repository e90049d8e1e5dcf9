/**
 * A plan: which parameters and activations of a model lie where, by patterns of their names.
 *
 * @packageDocumentation
 */
import type { AxisName, MeshAxes } from "../mesh.ts";
import type { PlacementSpec } from "../placement-spec.ts";
import type { Placement } from "../placement.ts";

/** Where a module's activations lie, and which of its sizes must divide. */
export interface ModulePlan<Axes extends MeshAxes = MeshAxes> {
  /** The first argument of `apply` is moved there. Axes that are not named stay as they are. */
  readonly input?: PlacementSpec<Axes>;
  /** The result of `apply` is moved there. Axes that are not named stay as they are. */
  readonly output?: PlacementSpec<Axes>;
  /** Fields of the module, each with the axis whose ranks must divide it: `{ heads: "tp" }`. */
  readonly divisible?: Readonly<Record<string, AxisName<Axes>>>;
}

/**
 * What a pattern stands for: placements of the parameters whose names it matches (axes that are not named, or a single
 * placement for all axes: `Replicate()`), or a `ModulePlan` for the modules whose paths it matches.
 */
export type PlanEntry<Axes extends MeshAxes = MeshAxes> = Placement | PlacementSpec<Axes> | ModulePlan<Axes>;

/**
 * Entries by pattern. `name` matches itself, `*` one segment of a dotted name, `**` any number of segments, `{a,b}` either;
 * the pattern that spells out more segments wins. Plans combine by spreading: `{ ...gptPlan({ axis: "tp" }), ...mine }`.
 *
 * @example
 * ```ts
 * const plan: ParallelPlan<{ tp: number }> = {
 *   "mlp.up.weight": { tp: Shard(1) },
 *   "mlp.down.weight": { tp: Shard(0) },
 *   mlp: { output: { tp: Replicate() }, divisible: { hiddenFeatures: "tp" } },
 *   "**": Replicate(), // what no other pattern names
 * };
 * ```
 */
export type ParallelPlan<Axes extends MeshAxes = MeshAxes> = Readonly<Record<string, PlanEntry<Axes>>>;

/** Whether the entry is one placement, meant for every axis. */
export function isPlacement(entry: unknown): entry is Placement {
  if (typeof entry !== "object" || entry === null || !("kind" in entry)) return false;
  return entry.kind === "shard" || entry.kind === "replicate" || entry.kind === "partial";
}

/** Whether the entry is for modules. */
export function isModulePlan(entry: PlanEntry): entry is ModulePlan {
  return ["input", "output", "divisible"].some((key) => {
    const value: unknown = Reflect.get(entry, key);
    return value !== undefined && !isPlacement(value);
  });
}
