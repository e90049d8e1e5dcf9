/**
 * `measureMeshCosts`: latency and bandwidth of each axis of a mesh.
 *
 * @packageDocumentation
 */
import type { ProcessGroup } from "@meshwright/core";
import type { AxisName, DeviceMesh, MeshAxes } from "../mesh.ts";
import type { AxisCost, MeshCosts } from "../mesh-costs.ts";

/** Settings of the measurement. */
export interface MeasureOptions {
  /** Bytes of the large all-reduce. Default 4 MiB. */
  readonly bytes?: number;
  /** Samples per figure; the median counts. Default 5. */
  readonly samples?: number;
}

/** Calls of the small all-reduce in one sample: one alone is too short for the clock. */
const SMALL_CALLS = 20;

/**
 * Measures every axis of more than one rank, one after the other, by all-reduces of 4 bytes and of `bytes`. All ranks of
 * the mesh call it, and get the same numbers: those of its first rank.
 *
 * Communication per axis: `samples * 20` all-reduces of 4 bytes and `samples` of `bytes`, one more of each to warm up;
 * a broadcast over all axes.
 *
 * @example
 * ```ts
 * const costs = measureMeshCosts(createMesh(world, { dp: 2, tp: 2 }));
 * const mesh = createMesh(world, { dp: 2, tp: 2 }, { costs });
 * ```
 */
export function measureMeshCosts<Axes extends MeshAxes>(
  mesh: DeviceMesh<Axes>,
  { bytes = 4 * 2 ** 20, samples = 5 }: MeasureOptions = {},
): MeshCosts<AxisName<Axes>> {
  const names = (mesh.axisNames as readonly AxisName<Axes>[]).filter((name) => mesh.sizeOf(name) > 1);
  const measured = Float32Array.from(
    names.flatMap((name) => {
      const { bandwidth, latencyMs } = measureAxis(mesh.group(name), bytes, samples);
      return [bandwidth, latencyMs];
    }),
  );
  // Every rank decides by these numbers, so they have to be the same ones.
  if (names.length > 0) mesh.productGroup(names).broadcast(measured, { label: "measureMeshCosts" });
  const entries = names.map((name, i): [AxisName<Axes>, AxisCost] => [
    name,
    { bandwidth: measured[2 * i]!, latencyMs: measured[2 * i + 1]! },
  ]);
  return Object.fromEntries(entries) as MeshCosts<AxisName<Axes>>;
}

function measureAxis(group: ProcessGroup, bytes: number, samples: number): AxisCost {
  const small = new Float32Array(1);
  const large = new Float32Array(Math.max(1, Math.ceil(bytes / 4)));
  const latencyMs =
    medianTime(samples, () => {
      for (let call = 0; call < SMALL_CALLS; call++) group.allReduce(small, { label: "measureMeshCosts" });
    }) / SMALL_CALLS;
  const largeMs = medianTime(samples, () => {
    group.allReduce(large, { label: "measureMeshCosts" });
  });
  const bytesSent = (2 * large.byteLength * (group.size - 1)) / group.size;
  // On a busy machine the large call may come out as fast as the small one; a tenth is what it must at least take.
  const transferMs = Math.max(largeMs - latencyMs, largeMs / 10);
  return { bandwidth: (1000 * bytesSent) / transferMs, latencyMs };
}

/** Milliseconds of `body`, the median of some samples after one that does not count. */
function medianTime(samples: number, body: () => void): number {
  body();
  const times = Array.from({ length: Math.max(1, samples) }, () => {
    const start = performance.now();
    body();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}
