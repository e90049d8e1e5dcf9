/**
 * Decides what a plan says about each parameter and module of a model. Pure: names and shapes in, placements or problems
 * out.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { numElements, regionOf } from "../layout.ts";
import { coordinateOf, type MeshGeometry } from "../mesh.ts";
import type { PlacementSpec } from "../placement-spec.ts";
import { Replicate, Shard, type Placement } from "../placement.ts";
import { compareSpecificity, matches, parsePattern, specificityFor, type Pattern } from "./pattern.ts";
import { isModulePlan, isPlacement, type ModulePlan, type ParallelPlan, type PlanEntry } from "./plan.ts";
import * as problem from "./plan-problems.ts";

/** A parameter as a plan sees it. */
export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** What to decide about. */
export interface PlanSubject {
  /** Who asks, for errors. */
  readonly where: string;
  readonly mesh: MeshGeometry;
  readonly parameters: readonly NamedShape[];
  readonly modules: ReadonlyMap<string, object>;
}

/** A parameter's place. */
export interface PlacedParameter extends NamedShape {
  /** One per mesh axis, in mesh order, with dims in `0..ndim-1`. */
  readonly placements: readonly Placement[];
  /** The pattern that decided. */
  readonly pattern: string;
  /** Bytes that each rank holds of it. */
  readonly bytesPerRank: readonly number[];
}

/** What happens around a module's `apply`. */
export interface PlacedModule {
  readonly path: string;
  readonly input?: PlacementSpec;
  readonly output?: PlacementSpec;
}

/** What a plan decided. */
export interface ResolvedPlan {
  readonly parameters: readonly PlacedParameter[];
  readonly modules: readonly PlacedModule[];
}

interface Entry<E> {
  readonly pattern: Pattern;
  readonly value: E;
}

const BYTES_PER_FLOAT = 4;

/** @throws ContractError that lists everything that is wrong with the plan. */
export function resolvePlan(plan: ParallelPlan, subject: PlanSubject): ResolvedPlan {
  const problems: string[] = [];
  const placing: Entry<Placement | PlacementSpec>[] = [];
  const around: Entry<ModulePlan>[] = [];
  for (const { pattern, value } of readEntries(plan, subject.where, problems)) {
    problems.push(...problem.unknownAxes(pattern.text, value, subject.mesh));
    if (isModulePlan(value)) around.push({ pattern, value });
    else placing.push({ pattern, value });
  }
  const paths = [...subject.modules.keys()];
  const names = subject.parameters.map(({ name }) => name);
  for (const { pattern } of placing) problems.push(...problem.matchesNothing(pattern, names, "parameter"));
  for (const { pattern } of around) problems.push(...problem.matchesNothing(pattern, paths, "module"));
  const parameters = placeParameters(placing, subject, problems);
  const modules = placeModules(around, subject.modules, problems);
  for (const { pattern, value } of around) {
    const matching = [...subject.modules].filter(([path]) => matches(pattern, path));
    problems.push(...problem.notDivisible(value, matching, subject.mesh));
  }
  if (problems.length > 0) throw new ContractError(problem.report(subject.where, problems));
  return { parameters, modules };
}

function readEntries(plan: ParallelPlan, where: string, problems: string[]): Entry<PlanEntry>[] {
  return Object.entries(plan).flatMap(([text, value]) => {
    try {
      return [{ pattern: parsePattern(where, text), value }];
    } catch (error) {
      if (!(error instanceof ContractError)) throw error;
      problems.push(error.message.slice(`${where}: `.length));
      return [];
    }
  });
}

function placeParameters(
  entries: readonly Entry<Placement | PlacementSpec>[],
  { parameters, mesh }: PlanSubject,
  problems: string[],
): PlacedParameter[] {
  const undecided: NamedShape[] = [];
  const missingDims = new problem.MissingDims();
  const ambiguities = new problem.Ambiguities("parameter");
  const placed = parameters.flatMap((parameter) => {
    const winners = mostSpecific(entries, parameter.name);
    const [first, second] = winners;
    if (second !== undefined) ambiguities.note(parameter.name, winners);
    if (first === undefined) {
      undecided.push(parameter);
      return [];
    }
    const placements = placementsFor(first, parameter, mesh, missingDims);
    return [
      { ...parameter, placements, pattern: first.pattern.text, ...bytesOf(parameter, placements, mesh) },
    ];
  });
  problems.push(...ambiguities.problems(), ...problem.undecided(undecided), ...missingDims.problems());
  return placed;
}

function placementsFor(
  { pattern, value }: Entry<Placement | PlacementSpec>,
  parameter: NamedShape,
  mesh: MeshGeometry,
  missingDims: problem.MissingDims,
): Placement[] {
  return mesh.axisNames.map((axis) => {
    const placement = isPlacement(value) ? value : (value[axis] ?? Replicate());
    if (placement.kind !== "shard") return placement;
    const ndim = parameter.shape.length;
    const dim = placement.dim < 0 ? placement.dim + ndim : placement.dim;
    if (Number.isInteger(dim) && dim >= 0 && dim < ndim) return Shard(dim);
    missingDims.note({ pattern: pattern.text, axis, dim: placement.dim, parameter });
    return Replicate();
  });
}

function placeModules(
  entries: readonly Entry<ModulePlan>[],
  modules: ReadonlyMap<string, object>,
  problems: string[],
): PlacedModule[] {
  const moving = entries.filter(({ value }) => value.input !== undefined || value.output !== undefined);
  const ambiguities = new problem.Ambiguities("module");
  const placed = [...modules.keys()].flatMap((path) => {
    const winners = mostSpecific(moving, path);
    if (winners.length > 1) ambiguities.note(path, winners);
    const [first] = winners;
    if (first === undefined) return [];
    const { input, output } = first.value;
    return [{ path, ...(input && { input }), ...(output && { output }) }];
  });
  problems.push(...ambiguities.problems());
  return placed;
}

/** The entries that name `name` most exactly; more than one where they do so equally. */
function mostSpecific<E>(entries: readonly Entry<E>[], name: string): Entry<E>[] {
  let winners: Entry<E>[] = [];
  let best: readonly number[] | undefined;
  for (const entry of entries) {
    const found = specificityFor(entry.pattern, name);
    if (found === undefined) continue;
    const order = best === undefined ? 1 : compareSpecificity(found, best);
    if (order > 0) [winners, best] = [[entry], found];
    else if (order === 0) winners.push(entry);
  }
  return winners;
}

function bytesOf(
  { shape }: NamedShape,
  placements: readonly Placement[],
  mesh: MeshGeometry,
): { readonly bytesPerRank: readonly number[] } {
  const bytesPerRank = Array.from({ length: numElements(mesh.shape) }, (_, rank) => {
    const region = regionOf(shape, placements, mesh.shape, coordinateOf(mesh.shape, rank));
    return BYTES_PER_FLOAT * numElements(region.shape);
  });
  return { bytesPerRank };
}
