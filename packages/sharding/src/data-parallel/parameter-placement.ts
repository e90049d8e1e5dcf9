/**
 * How the parameters of a model lie on a mesh, and where ZeRO cuts them.
 *
 * @packageDocumentation
 */
import { ContractError, type Parameter } from "@meshwright/core";
import { shardedBackend } from "../backend/current.ts";
import { formatMesh, type DeviceMesh } from "../mesh.ts";
import { isMeshShard } from "../parameter-shard.ts";
import { Replicate, Shard, type Placement } from "../placement.ts";
import { chooseShardDim } from "./shard-dim.ts";

/** Where one parameter is, and where its part under ZeRO is. One placement per mesh axis. */
export interface ParameterPlacement {
  /** As the layer or plan placed it: how it is used. */
  readonly whole: readonly Placement[];
  /** With the data-parallel axis cutting it too; the same as `whole` where no dim can be cut. */
  readonly split: readonly Placement[];
}

/**
 * @throws ContractError if the parameter is on another mesh, or is split by code that does not say how and has no values
 * yet.
 */
export function placeParameter(
  where: string,
  name: string,
  {
    parameter,
    mesh,
    axis,
  }: { readonly parameter: Parameter; readonly mesh: DeviceMesh; readonly axis: number },
): ParameterPlacement {
  const whole = currentPlacements(where, name, parameter, mesh);
  if (whole[axis]!.kind !== "replicate" || mesh.shape[axis] === 1) return { whole, split: whole };
  const dim = chooseShardDim(parameter.shape, { placements: whole, meshShape: mesh.shape, axis });
  if (dim === undefined) return { whole, split: whole };
  return { whole, split: whole.map((placement, other) => (other === axis ? Shard(dim) : placement)) };
}

function currentPlacements(
  where: string,
  name: string,
  parameter: Parameter,
  mesh: DeviceMesh,
): readonly Placement[] {
  const { shard } = parameter;
  const found = parameter.isInitialized
    ? shardedBackend(where).recordOf(parameter.variable).layout
    : isMeshShard(shard)
      ? shard
      : undefined;
  if (found === undefined && shard !== undefined) {
    throw new ContractError(
      `${where}: parameter ("${name}", split) must have values before it is placed; call initialize(model, { seed }) first, or split it with parameterShard.`,
    );
  }
  if (found?.mesh === undefined) return mesh.shape.map(() => Replicate());
  if (found.mesh !== mesh) {
    throw new ContractError(
      `${where}: parameter ("${name}" on ${formatMesh(found.mesh)}) must be on the mesh (${formatMesh(mesh)}); use one DataParallel per mesh.`,
    );
  }
  return found.placements;
}
