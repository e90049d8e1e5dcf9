/**
 * A mesh without one of its axes: the ranks of one pipeline stage.
 *
 * ```
 *   { dp: 2, pp: 2, tp: 2 } without "pp", seen by the ranks at pp 1:
 *
 *     pp 0: 0 1      pp 1: [2] [3]        { dp: 2, tp: 2 } of the ranks 2, 3, 6, 7
 *           4 5            [6] [7]
 * ```
 *
 * @packageDocumentation
 */
import type { ProcessGroup } from "@meshwright/core";
import { shardedBackend } from "./backend/current.ts";
import { linesAlong } from "./mesh-hosts.ts";
import { axisIndex, type AxisName, type DeviceMesh, type MeshAxes } from "./mesh.ts";

/** The axes of a mesh without one of them. */
export type RemainingAxes<Axes extends MeshAxes, Without extends string> = Omit<Axes, Without> & MeshAxes;

/**
 * The mesh of the axes other than `without`, at this rank's coordinate on it. Its groups are those of `mesh`. A mesh
 * with no other axis keeps this one, with size 1. The same object for every call with the same arguments.
 *
 * Ranks at different coordinates of `without` need not run the same operations from then on, as long as they use
 * tensors of their sub-mesh: in checked mode, a value that is on no mesh is compared across the ranks of the sub-mesh
 * only (of their intersection, if there are several).
 *
 * @example
 * ```ts
 * const mesh = createMesh(world, { dp: 2, pp: 2, tp: 2 });
 * const stageMesh = subMesh(mesh, { without: "pp" }); // { dp: 2, tp: 2 }
 * ```
 * @throws ContractError if `without` is not an axis of `mesh`.
 */
export function subMesh<Axes extends MeshAxes, Without extends AxisName<Axes>>(
  mesh: DeviceMesh<Axes>,
  { without }: { readonly without: Without },
): DeviceMesh<RemainingAxes<Axes, Without>> {
  axisIndex(mesh, without, "subMesh");
  const backend = shardedBackend("subMesh");
  const found = backend.subMesh(mesh, without, () => {
    const built = buildSubMesh(mesh, without);
    backend.narrowReplicaCheck(ranksOf(mesh, without));
    return built;
  });
  return found as DeviceMesh<RemainingAxes<Axes, Without>>;
}

function buildSubMesh(mesh: DeviceMesh, without: string): DeviceMesh {
  const { world } = mesh;
  const isOnly = mesh.axisNames.length === 1;
  const axisNames = isOnly ? [without] : mesh.axisNames.filter((name) => name !== without);
  const shape = isOnly ? [1] : axisNames.map((name) => mesh.sizeOf(name));
  const geometry = { axisNames, shape };
  const alone: ProcessGroup | undefined = isOnly
    ? world.createGroup([world.rank], { name: without })
    : undefined;
  const indexOf = (axis: string, method: string): number => axisIndex(geometry, axis, `DeviceMesh.${method}`);
  return Object.freeze({
    axes: Object.fromEntries(axisNames.map((name, i) => [name, shape[i]!])),
    axisNames,
    shape,
    costs: isOnly ? {} : (mesh.costs ?? {}),
    coordinate: isOnly ? [0] : axisNames.map((name) => mesh.coordinate[mesh.axisNames.indexOf(name)]!),
    world,
    hosts: isOnly ? [world.hosts[world.rank]!] : hostsAt(mesh, without),
    sizeOf: (axis: string) => shape[indexOf(axis, "sizeOf")]!,
    group: (axis: string) => alone ?? mesh.group(axisNames[indexOf(axis, "group")]!),
    productGroup: (axes: readonly string[]) =>
      alone ?? mesh.productGroup(axes.map((axis) => axisNames[indexOf(axis, "productGroup")]!)),
  });
}

/** Hosts of the positions at this rank's coordinate of `without`. */
function hostsAt({ axisNames, shape, hosts, coordinate }: DeviceMesh, without: string): readonly string[] {
  const axis = axisNames.indexOf(without);
  const lines = linesAlong(shape, axis);
  return lines.map((line) => hosts[line[coordinate[axis]!]!]!);
}

/** World ranks at this rank's coordinate of `without`, ascending. The last axis varies fastest. */
function ranksOf(mesh: DeviceMesh, without: string): number[] {
  const axis = mesh.axisNames.indexOf(without);
  const size = mesh.shape[axis]!;
  const stride = mesh.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return mesh.world.group.ranks.filter((rank) => Math.floor(rank / stride) % size === mesh.coordinate[axis]);
}
