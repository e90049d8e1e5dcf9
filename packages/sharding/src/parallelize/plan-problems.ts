/**
 * What can be wrong with a plan, in words.
 *
 * @packageDocumentation
 */
import { formatMesh, type MeshGeometry } from "../mesh.ts";
import { formatPlacement, Shard, type Placement } from "../placement.ts";
import { fittingSegments, matches, type Pattern } from "./pattern.ts";
import { isModulePlan, isPlacement, type ModulePlan, type PlanEntry } from "./plan.ts";

/** Names that a line lists before it counts the rest. */
const MAX_LISTED = 5;

/** The whole error text. */
export function report(where: string, problems: readonly string[]): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return `${where}: plan (${count}) must place every parameter once, on axes and dims that exist:${problems.map((line) => `\n- ${line}`).join("")}`;
}

/** Axes that the mesh does not have, and placements that a parameter cannot have. */
export function unknownAxes(pattern: string, entry: PlanEntry, mesh: MeshGeometry): string[] {
  const named = Object.entries(placementsIn(entry)).flatMap(([axis, placement]) => [
    ...unknownAxis(pattern, axis, mesh),
    ...notForParameters(pattern, entry, axis, placement),
  ]);
  const divided = isModulePlan(entry) ? Object.values(entry.divisible ?? {}) : [];
  return [...named, ...divided.flatMap((axis) => unknownAxis(pattern, axis, mesh))];
}

/** A pattern that no name fits, with what the names offer where it goes wrong. */
export function matchesNothing(
  pattern: Pattern,
  names: readonly string[],
  what: "parameter" | "module",
): string[] {
  if (names.some((name) => matches(pattern, name))) return [];
  const fits = pattern.branches.map((branch) => fittingSegments(branch, names));
  const longest = Math.max(...fits);
  const branch = pattern.branches[fits.indexOf(longest)]!;
  const before = branch.slice(0, longest).join(".");
  const offered = before.includes("**") ? [] : segmentsAfter(branch.slice(0, longest), names);
  const fix =
    offered.length === 0
      ? `use a name such as ${names.slice(0, MAX_LISTED).map(quote).join(", ")}`
      : `${before === "" ? "use" : `after "${before}" use`} ${list(offered)}${branch[longest] === undefined ? "" : ` in place of "${branch[longest]}"`}`;
  return [`pattern "${pattern.text}" must match a ${what} (it matches none); ${fix}.`];
}

/** Parameters that no pattern names. */
export function undecided(parameters: readonly { readonly name: string }[]): string[] {
  if (parameters.length === 0) return [];
  const names = parameters.map(({ name }) => name);
  return [
    `${plural("parameter", names)} ${list(names)} must be named by a pattern (no pattern matches); use an entry, or "**": Replicate() for all that no other pattern names.`,
  ];
}

/** Collects what several patterns name equally; one line per set of patterns. */
export class Ambiguities {
  readonly #found = new Map<string, string[]>();
  readonly #what: "parameter" | "module";

  constructor(what: "parameter" | "module") {
    this.#what = what;
  }

  note(name: string, patterns: readonly { readonly pattern: Pattern }[]): void {
    const key = patterns.map(({ pattern }) => quote(pattern.text)).join(" and ");
    this.#found.set(key, [...(this.#found.get(key) ?? []), name]);
  }

  problems(): string[] {
    return [...this.#found].map(
      ([patterns, names]) =>
        `${plural(this.#what, names)} ${list(names)} must be decided by one pattern (${patterns} are equally specific); use a pattern that spells out more.`,
    );
  }
}

/** Sizes of modules that the ranks of an axis do not divide. */
export function notDivisible(
  { divisible = {} }: ModulePlan,
  modules: readonly (readonly [string, object])[],
  mesh: MeshGeometry,
): string[] {
  return Object.entries(divisible).flatMap(([field, axis]) => {
    const numRanks = mesh.shape[mesh.axisNames.indexOf(axis)];
    if (numRanks === undefined) return [];
    const wrong = modules.filter(([, module]) => !divides(numRanks, Reflect.get(module, field)));
    if (wrong.length === 0) return [];
    const value: unknown = Reflect.get(wrong[0]![1], field);
    const paths = list(wrong.map(([path]) => path));
    if (typeof value !== "number") {
      return [
        `${plural("module", wrong)} ${paths} must have a size "${field}" (${typeof value}); use a field that holds a number.`,
      ];
    }
    const next = numRanks * Math.ceil(value / numRanks);
    return [
      `${field} (${value}) of ${paths} must be a multiple of the ranks on axis "${axis}" (${numRanks}); use for example ${field}: ${next}, or fewer ranks on the axis.`,
    ];
  });
}

/** Collects parameters without the dim that a pattern splits; one line per pattern and axis. */
export class MissingDims {
  readonly #found = new Map<
    string,
    { readonly head: string; readonly fix: string; readonly names: string[] }
  >();

  note(missing: {
    readonly pattern: string;
    readonly axis: string;
    readonly dim: number;
    readonly parameter: { readonly name: string; readonly shape: readonly number[] };
  }): void {
    const { pattern, axis, dim, parameter } = missing;
    const ndim = parameter.shape.length;
    const head = `pattern "${pattern}": ${axis} (${formatPlacement(Shard(dim))}) must name a dim of`;
    const fix = ndim === 0 ? "use Replicate() for a scalar" : `use a dim from ${-ndim} to ${ndim - 1}`;
    const key = `${head} ${fix}`;
    const group = this.#found.get(key) ?? { head, fix, names: [] };
    this.#found.set(key, group);
    group.names.push(`${parameter.name} (shape [${parameter.shape.join(", ")}])`);
  }

  problems(): string[] {
    return [...this.#found.values()].map(({ head, fix, names }) => `${head} ${list(names, String)}; ${fix}.`);
  }
}

function placementsIn(entry: PlanEntry): Readonly<Record<string, Placement | undefined>> {
  if (isPlacement(entry)) return {};
  return isModulePlan(entry) ? { ...entry.input, ...entry.output } : entry;
}

function unknownAxis(pattern: string, axis: string, mesh: MeshGeometry): string[] {
  if (mesh.axisNames.includes(axis)) return [];
  return [
    `pattern "${pattern}": axis ("${axis}") must be an axis of the mesh (${formatMesh(mesh)}); use ${mesh.axisNames.map(quote).join(" or ")}.`,
  ];
}

function notForParameters(
  pattern: string,
  entry: PlanEntry,
  axis: string,
  placement: Placement | undefined,
): string[] {
  if (isModulePlan(entry) || placement?.kind !== "partial") return [];
  return [
    `pattern "${pattern}": ${axis} (${formatPlacement(placement)}) must hold values, not summands of them; use Shard(dim) or Replicate().`,
  ];
}

/** The segments that come next in names that begin as the pattern does. */
function segmentsAfter(prefix: readonly string[], names: readonly string[]): string[] {
  const begins: Pattern = { text: prefix.join("."), branches: [[...prefix, "*", "**"]] };
  const next = names.filter((name) => matches(begins, name)).map((name) => name.split(".")[prefix.length]!);
  return [...new Set(next)];
}

function divides(numRanks: number, value: unknown): boolean {
  return typeof value === "number" && value % numRanks === 0;
}

function list(names: readonly string[], write: (name: string) => string = quote): string {
  const listed = names.slice(0, MAX_LISTED).map(write).join(", ");
  return names.length > MAX_LISTED ? `${listed} and ${names.length - MAX_LISTED} more` : listed;
}

function quote(name: string): string {
  return `"${name}"`;
}

function plural(what: string, things: readonly unknown[]): string {
  return things.length === 1 ? what : `${what}s`;
}
