/**
 * `layOutMesh`: the order of a mesh's axes that keeps the busiest ones inside a host.
 *
 * @packageDocumentation
 */
import { checkAxes, formatMesh, type AxisName, type MeshAxes, type MeshGeometry } from "./mesh.ts";
import { crossingAxes, crossingLine, hostsOf } from "./mesh-hosts.ts";

/** A mesh that was laid out on hosts. */
export interface MeshLayout<Axes extends MeshAxes> {
  /** The same axes and sizes, outermost first: what `createMesh` takes. */
  readonly axes: Axes;
  /** Names of the axes along which some ranks are on different hosts. */
  readonly crossing: readonly string[];
}

/**
 * From the outermost axis to the innermost: the more an axis communicates, the further inside. The order of Megatron-LM,
 * `tp-cp-ep-dp-pp`; any other axis lies between `dp` and `ep`.
 */
const OUTERMOST_FIRST = ["pp", "dp", "", "ep", "cp", "tp"];

/**
 * Puts the axes in the order in which those that communicate most vary fastest, so that their ranks are neighbours and,
 * where the sizes allow it, on one host: `pp`, `dp`, axes of other names in their order, `ep`, `cp`, `tp`. No communication.
 *
 * @param hosts - host of every rank, as `world.hosts` has it
 * @example
 * ```ts
 * layOutMesh({ tp: 4, dp: 2 }, ["a", "a", "a", "a", "b", "b", "b", "b"]); // { axes: { dp: 2, tp: 4 }, crossing: ["dp"] }
 * const mesh = createMesh(world, layOutMesh({ tp: 4, dp: 2 }, world.hosts).axes);
 * ```
 * @throws ContractError if a size is not a positive integer, or if the product of the sizes is not the number of ranks.
 * @see Narayanan et al. 2021, "Efficient Large-Scale Language Model Training on GPU Clusters Using Megatron-LM", section 3.2
 * (tensor parallelism inside a server, pipeline and data parallelism across), https://arxiv.org/abs/2104.04473
 */
export function layOutMesh<const Axes extends MeshAxes>(
  axes: Axes,
  hosts: readonly string[],
): MeshLayout<Axes> {
  checkAxes(axes, hosts.length, "layOutMesh");
  const placeOf = (name: string): number =>
    OUTERMOST_FIRST.includes(name) ? OUTERMOST_FIRST.indexOf(name) : OUTERMOST_FIRST.indexOf("");
  const names = (Object.keys(axes) as AxisName<Axes>[]).toSorted((a, b) => placeOf(a) - placeOf(b));
  const ordered = Object.fromEntries(names.map((name) => [name, axes[name]!])) as MeshAxes as Axes;
  const grid = { axisNames: names, shape: names.map((name) => axes[name]!) };
  return { axes: ordered, crossing: crossingAxes(grid, hosts) };
}

/** The axis that communicates in every layer, forward and backward, and should not leave a host. */
const INNER_AXIS = "tp";

/**
 * What to say of a mesh whose `tp` crosses hosts although it need not: another order of its axes would do, or a size that
 * fits into a host. `undefined` where there is nothing to say. `hosts` has the host of every position.
 */
export function splitAxisWarning(mesh: MeshGeometry, hosts: readonly string[]): string | undefined {
  const axis = mesh.axisNames.indexOf(INNER_AXIS);
  const line = axis < 0 ? undefined : crossingLine(mesh, axis, hosts);
  if (line === undefined) return undefined;
  const fix = orderFix(mesh, hosts) ?? sizeFix(hosts);
  if (fix === undefined) return undefined;
  return `meshwright: axis "${INNER_AXIS}" of mesh ${formatMesh(mesh)} crosses hosts (ranks ${line.join(", ")} are on ${hostsOf(line, hosts).join(", ")}), so that every layer communicates between them; use ${fix}.`;
}

function orderFix(mesh: MeshGeometry, hosts: readonly string[]): string | undefined {
  const axes = Object.fromEntries(mesh.axisNames.map((name, i) => [name, mesh.shape[i]!]));
  const better = layOutMesh(axes, hosts);
  if (better.crossing.includes(INNER_AXIS)) return undefined;
  const names = Object.keys(better.axes);
  return `${formatMesh({ axisNames: names, shape: names.map((name) => axes[name]!) })}, as layOutMesh returns it`;
}

function sizeFix(hosts: readonly string[]): string | undefined {
  const counts = hostsOf([...hosts.keys()], hosts).map(
    (host) => hosts.filter((each) => each === host).length,
  );
  const largest = counts.reduce(greatestCommonDivisor);
  if (largest === 1) return undefined;
  return `a size of ${INNER_AXIS} that divides the ranks of every host (${counts.join(", ")}), at most ${largest}`;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
