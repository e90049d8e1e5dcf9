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

/** Axis names and their sizes. */
export type MeshAxes = Readonly<Record<string, number>>;

/** The names of a mesh's axes. */
export type AxisName<Axes extends MeshAxes> = keyof Axes & string;

/** The geometry of a mesh, without communication: enough to compute layouts. */
export interface MeshGeometry {
  readonly axisNames: readonly string[];
  /** Ranks along each axis. */
  readonly shape: readonly number[];
}

/** Ranks in a grid with named axes. `DeviceMesh<{ tp: number }>` accepts any mesh that has a `tp` axis. */
export interface DeviceMesh<Axes extends MeshAxes = MeshAxes> extends MeshGeometry {
  readonly axes: Axes;
  /** This rank's position along each axis. */
  readonly coordinate: readonly number[];
  readonly world: World;
  /** Ranks along one axis. @throws ContractError if the mesh has no such axis. */
  sizeOf(axis: AxisName<Axes>): number;
  /** The ranks that differ from this one only along `axis`. */
  group(axis: AxisName<Axes>): ProcessGroup;
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
export function checkAxes(axes: MeshAxes, numRanks: number): void {
  const names = Object.keys(axes);
  if (names.length === 0)
    throw new ContractError("createMesh: axes ({}) must name at least one axis; use { tp: 1 }.");
  for (const name of names) {
    const size = axes[name]!;
    if (!Number.isInteger(size) || size < 1) {
      throw new ContractError(
        `createMesh: axis "${name}" (${size}) must be a positive integer; use 1 for an axis without parallelism.`,
      );
    }
  }
  const product = names.reduce((total, name) => total * axes[name]!, 1);
  if (product !== numRanks) {
    const factors = names.map((name) => `${name} ${axes[name]!}`).join(" x ");
    throw new ContractError(
      `createMesh: mesh of ${product} ranks (${factors}) must have as many ranks as the world (${numRanks}); use axis sizes whose product is ${numRanks}, or start ${product} ranks.`,
    );
  }
}

/** Builds the mesh and the groups along its axes. Every rank of the world calls it. */
export function buildMesh<const Axes extends MeshAxes>(world: World, axes: Axes): DeviceMesh<Axes> {
  checkAxes(axes, world.size);
  const axisNames = Object.keys(axes) as AxisName<Axes>[];
  const shape = axisNames.map((name) => axes[name]!);
  const coordinate = coordinateOf(shape, world.rank);
  const geometry = { axisNames, shape };
  const groups = shape.map((size, axis) => {
    const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const first = world.rank - coordinate[axis]! * stride;
    const ranks = Array.from({ length: size }, (_, i) => first + i * stride);
    return world.createGroup(ranks, { name: axisNames[axis]! });
  });
  return Object.freeze({
    axes,
    axisNames,
    shape,
    coordinate,
    world,
    sizeOf: (axis: AxisName<Axes>) => shape[axisIndex(geometry, axis, "DeviceMesh.sizeOf")]!,
    group: (axis: AxisName<Axes>) => groups[axisIndex(geometry, axis, "DeviceMesh.group")]!,
  });
}
