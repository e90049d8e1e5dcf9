/**
 * The mesh that local tensors live on: this rank alone.
 *
 * Inside `localMap` a tensor is what one rank holds. It lives on a mesh of one rank, so that every kernel runs on it as
 * it is, checked mode does not compare it across ranks, and mixing it with a tensor of the mesh outside is an error.
 *
 * @packageDocumentation
 */
import { ContractError, type ProcessGroup } from "@meshwright/core";
import type { TensorInfo } from "@tensorflow/tfjs";
import { shardedBackend } from "../backend/current.ts";
import type { ShardedBackend } from "../backend/sharded-backend.ts";
import { formatLayout, type Layout } from "../layout.ts";
import { axisIndex, type DeviceMesh } from "../mesh.ts";
import type { CompiledMove } from "../redistribute/execute.ts";

/** One rank of a mesh by itself. */
export interface LocalMesh extends DeviceMesh {
  /** The mesh outside. */
  readonly outer: DeviceMesh;
  /** Collectives of local tensors that were prepared before, by kind and shape. */
  readonly moves: Map<string, CompiledMove>;
}

/** The only axis of a local mesh. */
const AXIS = "local";

/** The backend keeps derived meshes by the axis that they lack; no axis has this name. */
const KEY = "all axes (local map)";

/** This rank of `mesh` by itself; the same object every time. */
export function localMeshOf(mesh: DeviceMesh): LocalMesh {
  return shardedBackend("localMap").subMesh(mesh, KEY, () => buildLocalMesh(mesh)) as LocalMesh;
}

function buildLocalMesh(outer: DeviceMesh): LocalMesh {
  const { world } = outer;
  const alone: ProcessGroup = world.createGroup([world.rank], { name: AXIS });
  const geometry = { axisNames: [AXIS], shape: [1] };
  const groupOf = (axis: string): ProcessGroup => {
    axisIndex(geometry, axis, "DeviceMesh.group");
    return alone;
  };
  return Object.freeze({
    ...geometry,
    axes: { [AXIS]: 1 },
    costs: {},
    coordinate: [0],
    world,
    hosts: [world.hosts[world.rank]!],
    outer,
    moves: new Map<string, CompiledMove>(),
    sizeOf: (axis: string) => groupOf(axis).size,
    group: groupOf,
    productGroup: () => alone,
  });
}

/** Whether a layout is that of a local tensor. */
export function isLocal(layout: Layout): layout is Layout & { readonly mesh: LocalMesh } {
  return layout.mesh !== undefined && "outer" in layout.mesh;
}

/**
 * The local mesh that a tensor lives on.
 *
 * @throws ContractError if it is no local tensor.
 */
export function requireLocal(where: string, x: TensorInfo, backend: ShardedBackend): LocalMesh {
  const { layout } = backend.recordOf(x);
  if (isLocal(layout)) return layout.mesh;
  throw new ContractError(
    `${where}: x (${formatLayout(layout)}) must be a local tensor; use it inside localMap, on what the function was called with or made of that.`,
  );
}
