/**
 * `createMesh`: arranges the ranks of a world in a grid and makes sharded tensors available.
 *
 * @packageDocumentation
 */
import type { World } from "@meshwright/core";
import { installRules, startSharding } from "./backend/start.ts";
import { splitAxisWarning } from "./lay-out-mesh.ts";
import { buildMesh, type AxisName, type DeviceMesh, type MeshAxes } from "./mesh.ts";
import type { MeshCosts } from "./mesh-costs.ts";
import type { Rule } from "./rules/rule.ts";

/**
 * Arranges the world's ranks in a grid with named axes; the last axis varies fastest. Every rank calls it, with the
 * same axes. From then on the rank's current tfjs backend is `sharded`: tensors have global shapes, ordinary tfjs ops
 * run in parallel.
 *
 * Ranks are numbered host by host, so that the last axes stay inside a host and the first ones cross hosts. Rank 0 warns of
 * a `tp` axis that crosses hosts although another order (`layOutMesh`) or size would keep it inside.
 *
 * @example
 * ```ts
 * const mesh = createMesh(world, { dp: 2, tp: 2 }); // ranks 0, 1 differ along tp; ranks 0, 2 along dp
 * const w = shard(tf.ones([4, 6]), mesh, { tp: Shard(1) }); // [4, 3] per rank
 * ```
 * @throws ContractError if a size is not a positive integer, the product of the sizes is not `world.size`, or a cost is
 * of no axis or not a number.
 */
export function createMesh<const Axes extends MeshAxes>(
  world: World,
  axes: Axes,
  options: {
    /** Rules of your own kernels, made by `defineRule`; they win over the built-in ones on this rank from now on. */
    readonly rules?: readonly Rule[];
    /**
     * Speed of each axis, by which redistribution paths are chosen; the same numbers on every rank. Default for an axis:
     * what the world's measured topology (`meshwright run --topology FILE`) says of the slowest pair of ranks that it joins;
     * without one, `CROSSING_AXIS_COST` (1.25 GB/s, 50 us) if it crosses hosts and the world is not `deterministic`, else that
     * of threads of one process, 4 GB/s and 2 us. `measureMeshCosts` measures them.
     */
    readonly costs?: MeshCosts<AxisName<Axes>>;
  } = {},
): DeviceMesh<Axes> {
  const mesh = buildMesh(world, axes, options.costs === undefined ? {} : { costs: options.costs });
  const warning = splitAxisWarning(mesh, mesh.hosts);
  if (warning !== undefined && world.rank === 0) console.warn(warning);
  startSharding(world);
  if (options.rules !== undefined) installRules(options.rules);
  return mesh;
}
