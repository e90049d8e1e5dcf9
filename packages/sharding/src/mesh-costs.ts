/**
 * What communication along each mesh axis costs: the numbers by which redistribution paths are chosen.
 *
 * A collective that sends `b` bytes from its busiest rank is expected to take `latencyMs + 1000 b / bandwidth`.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";

/** Speed of the links along one mesh axis. */
export interface AxisCost {
  /** Bytes per second that one rank sends in a large collective. */
  readonly bandwidth: number;
  /** Milliseconds that a collective takes beyond what its bytes take. */
  readonly latencyMs: number;
}

/** Speeds by axis name; axes that are not named have `DEFAULT_AXIS_COST`. */
export type MeshCosts<Axis extends string = string> = Readonly<Partial<Record<Axis, AxisCost>>>;

/** All-reduce between two threads with a core each, measured by bench/collectives: 1.4 to 2 us, 3.2 to 4.2 GB/s. */
export const DEFAULT_AXIS_COST: AxisCost = Object.freeze({ bandwidth: 4e9, latencyMs: 0.002 });

/** Axes that may have costs: any mesh. */
interface AxesWithCosts {
  readonly axisNames: readonly string[];
  readonly costs?: MeshCosts;
}

/** Cost of the axis at index `axis`. */
export function axisCost(mesh: AxesWithCosts, axis: number): AxisCost {
  return mesh.costs?.[mesh.axisNames[axis]!] ?? DEFAULT_AXIS_COST;
}

/** A collective over several axes at once is as slow as the slowest of them. */
export function groupCost(mesh: AxesWithCosts, axes: readonly number[]): AxisCost {
  let bandwidth = Infinity;
  let latencyMs = 0;
  for (const axis of axes) {
    const cost = axisCost(mesh, axis);
    bandwidth = Math.min(bandwidth, cost.bandwidth);
    latencyMs = Math.max(latencyMs, cost.latencyMs);
  }
  return { bandwidth, latencyMs };
}

/** How many bytes more a collective along `axis` could send in the time of its latency. */
export function latencyBytes(mesh: AxesWithCosts, axis: number): number {
  const { bandwidth, latencyMs } = axisCost(mesh, axis);
  return (latencyMs * bandwidth) / 1000;
}

/** @throws ContractError on an axis that the mesh does not have, or a speed that is none. */
export function checkCosts(where: string, axisNames: readonly string[], costs: MeshCosts): void {
  for (const [axis, cost] of Object.entries(costs)) {
    if (cost === undefined) continue;
    if (!axisNames.includes(axis)) {
      throw new ContractError(
        `${where}: costs of axis ("${axis}") must be of an axis of the mesh; use one of ${axisNames.map((name) => `"${name}"`).join(", ")}.`,
      );
    }
    const { bandwidth, latencyMs } = cost;
    if (!(bandwidth > 0 && bandwidth < Infinity)) {
      throw new ContractError(
        `${where}: costs.${axis}.bandwidth (${bandwidth}) must be a positive number of bytes per second; use measureMeshCosts(mesh).`,
      );
    }
    if (!(latencyMs >= 0 && latencyMs < Infinity)) {
      throw new ContractError(
        `${where}: costs.${axis}.latencyMs (${latencyMs}) must be a number of milliseconds, 0 or more; use measureMeshCosts(mesh).`,
      );
    }
  }
}
