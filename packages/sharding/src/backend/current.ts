/**
 * Finds the sharded backend of this thread; tfjs itself keeps it.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { findRegisteredBackend } from "./engine-door.ts";
import { SHARDED, ShardedBackend } from "./sharded-backend.ts";

/** The backend, if a mesh was created. */
export function findShardedBackend(): ShardedBackend | undefined {
  const backend: unknown = findRegisteredBackend(SHARDED);
  return backend instanceof ShardedBackend ? backend : undefined;
}

/** The sharded backend of this thread. @throws ContractError if no mesh was created yet. */
export function shardedBackend(where: string): ShardedBackend {
  const backend = findShardedBackend();
  if (backend === undefined) {
    throw new ContractError(`${where}: a mesh must exist first; call createMesh(world, { tp: world.size }).`);
  }
  return backend;
}
