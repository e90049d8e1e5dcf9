/**
 * The device mesh: ranks arranged in a grid whose axes have names.
 *
 * ```
 *   { dp: 2, tp: 4 }          tp ->
 *                      dp  |  0  1  2  3
 *                          v  4  5  6  7
 * ```
 *
 * The last axis varies fastest: its ranks are neighbours.
 *
 * @packageDocumentation
 */
import { ContractError, type ProcessGroup, type World } from "@meshwright/core";
import { checkCosts, type MeshCosts } from "./mesh-costs.ts";
import { linkCosts } from "./topology-costs.ts";

/** Axis names and their sizes. */
export type MeshAxes = Readonly<Record<string, number>>;

/** The names of a mesh's axes. */
export type AxisName<Axes extends MeshAxes> = keyof Axes & string;

/** The geometry of a mesh, without communication: enough to compute layouts. */
export interface MeshGeometry {
  readonly axisNames: readonly string[];
  /** Ranks along each axis. */
  readonly shape: readonly number[];
  /** Speed of each axis, by which redistribution paths are chosen. */
  readonly costs?: MeshCosts;
}

/** Ranks in a grid with named axes. `DeviceMesh<{ tp: number }>` accepts any mesh that has a `tp` axis. */
export interface DeviceMesh<Axes extends MeshAxes = MeshAxes> extends MeshGeometry {
  readonly axes: Axes;
  /** This rank's position along each axis. */
  readonly coordinate: readonly number[];
  readonly world: World;
  /** Host of every position in the mesh, row-major. */
  readonly hosts: readonly string[];
  /** Ranks along one axis. @throws ContractError if the mesh has no such axis. */
  sizeOf(axis: AxisName<Axes>): number;
  /** The ranks that differ from this one only along `axis`. */
  group(axis: AxisName<Axes>): ProcessGroup;
  /**
   * The ranks that differ from this one only along `axes`, named `"dp+tp"` in the ledger. Made on first use: all its
   * members must ask for it.
   */
  productGroup(axes: readonly AxisName<Axes>[]): ProcessGroup;
}

/** Position of rank `rank` along each axis; the last axis varies fastest. */
export function coordinateOf(shape: readonly number[], rank: number): number[] {
  const coordinate = new Array<number>(shape.length).fill(0);
  let rest = rank;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    coordinate[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return coordinate;
}

/** Index of `axis` in the mesh. @throws ContractError with the names that exist. */
export function axisIndex(mesh: MeshGeometry, axis: string, where: string): number {
  const index = mesh.axisNames.indexOf(axis);
  if (index < 0) {
    throw new ContractError(
      `${where}: axis ("${axis}") must be an axis of the mesh (${formatMesh(mesh)}); use one of ${mesh.axisNames.map((name) => `"${name}"`).join(", ")}.`,
    );
  }
  return index;
}

/** `{ dp: 2, tp: 4 }` */
export function formatMesh(mesh: MeshGeometry): string {
  return `{ ${mesh.axisNames.map((name, i) => `${name}: ${mesh.shape[i]!}`).join(", ")} }`;
}

/** @throws ContractError unless the axes are well-formed and their product is the number of ranks. */
export function checkAxes(axes: MeshAxes, numRanks: number, where = "createMesh"): void {
  const names = Object.keys(axes);
  if (names.length === 0)
    throw new ContractError(`${where}: axes ({}) must name at least one axis; use { tp: 1 }.`);
  for (const name of names) {
    const size = axes[name]!;
    if (!Number.isInteger(size) || size < 1) {
      throw new ContractError(
        `${where}: axis "${name}" (${size}) must be a positive integer; use 1 for an axis without parallelism.`,
      );
    }
  }
  const product = names.reduce((total, name) => total * axes[name]!, 1);
  if (product !== numRanks) {
    const factors = names.map((name) => `${name} ${axes[name]!}`).join(" x ");
    throw new ContractError(
      `${where}: mesh of ${product} ranks (${factors}) must have as many ranks as the world (${numRanks}); use axis sizes whose product is ${numRanks}, or start ${product} ranks.`,
    );
  }
}

/** Ranks (row-major positions in the mesh) that differ from `coordinate` only along `axes`, ascending. */
export function ranksAlong(
  shape: readonly number[],
  coordinate: readonly number[],
  axes: readonly number[],
): number[] {
  let ranks = [0];
  shape.forEach((size, axis) => {
    const positions = axes.includes(axis) ? Array.from({ length: size }, (_, i) => i) : [coordinate[axis]!];
    ranks = ranks.flatMap((rank) => positions.map((position) => rank * size + position));
  });
  return ranks;
}

/** Builds the mesh and the groups along its axes. Every rank of the world calls it. */
export function buildMesh<const Axes extends MeshAxes>(
  world: World,
  axes: Axes,
  options: { readonly costs?: MeshCosts<AxisName<Axes>> } = {},
): DeviceMesh<Axes> {
  checkAxes(axes, world.size);
  const axisNames = Object.keys(axes) as AxisName<Axes>[];
  const shape = axisNames.map((name) => axes[name]!);
  const coordinate = coordinateOf(shape, world.rank);
  const geometry = { axisNames, shape };
  const costs: MeshCosts = Object.freeze({ ...linkCosts(geometry, world), ...options.costs });
  checkCosts("createMesh", axisNames, costs);
  const groupOf = groupsOf(world, geometry, coordinate);
  for (const axis of shape.keys()) groupOf([axis]);
  const indexOf = (axis: string, method: string): number => axisIndex(geometry, axis, `DeviceMesh.${method}`);
  return Object.freeze({
    axes,
    axisNames,
    shape,
    costs,
    coordinate,
    world,
    hosts: world.hosts,
    sizeOf: (axis: AxisName<Axes>) => shape[indexOf(axis, "sizeOf")]!,
    group: (axis: AxisName<Axes>) => groupOf([indexOf(axis, "group")]),
    productGroup: (names: readonly AxisName<Axes>[]) =>
      groupOf(names.map((name) => indexOf(name, "productGroup"))),
  });
}

/** Groups by the axes (indices) that they run along, each made once. */
function groupsOf(
  world: World,
  { axisNames, shape }: MeshGeometry,
  coordinate: readonly number[],
): (axes: readonly number[]) => ProcessGroup {
  const groups = new Map<string, ProcessGroup>();
  return (axes) => {
    const sorted = [...new Set(axes)].sort((a, b) => a - b);
    const name = productName(axisNames, sorted);
    let group = groups.get(name);
    if (group === undefined) {
      group = world.createGroup(ranksAlong(shape, coordinate, sorted), { name });
      groups.set(name, group);
    }
    return group;
  };
}

/** `"dp+tp"`: the ledger's name of a group along several axes (indices, ascending). */
export function productName(axisNames: readonly string[], axes: readonly number[]): string {
  return axes.map((axis) => axisNames[axis]!).join("+");
}
