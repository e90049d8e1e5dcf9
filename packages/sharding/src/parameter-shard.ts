/**
 * How a parameter of `@meshwright/core` is split over a mesh.
 *
 * @packageDocumentation
 */
import type { ParameterShard } from "@meshwright/core";
import { tidy } from "@tensorflow/tfjs";
import { regionOf } from "./layout.ts";
import type { DeviceMesh, MeshAxes } from "./mesh.ts";
import type { Placement } from "./placement.ts";
import { resolvePlacements, type PlacementSpec } from "./placement-spec.ts";
import { fromLocal, full, toLocal } from "./sharded-tensor.ts";

/** A part that says where it comes from. */
export interface MeshShard extends ParameterShard {
  readonly mesh: DeviceMesh;
  /** One per mesh axis. */
  readonly placements: readonly Placement[];
}

/** Whether a parameter's part was made by `parameterShard`. */
export function isMeshShard(shard: ParameterShard | undefined): shard is MeshShard {
  return shard !== undefined && "mesh" in shard && "placements" in shard;
}

/**
 * The part of a float32 parameter that this rank holds. Each rank draws only its own values; `readFull` gathers.
 *
 * @throws ContractError on an unknown axis or a dim outside `shape`.
 */
export function parameterShard<Axes extends MeshAxes>(
  shape: readonly number[],
  mesh: DeviceMesh<Axes>,
  placements: PlacementSpec<Axes>,
): MeshShard {
  const resolved = resolvePlacements("parameterShard", mesh, placements, { shape, dtype: "float32" });
  const region = regionOf(shape, resolved, mesh.shape, mesh.coordinate);
  return {
    mesh: mesh,
    placements: resolved,
    localShape: region.shape,
    offset: region.offset,
    fromLocal: (values) => fromLocal({ values, shape: region.shape }, mesh, placements, { shape }),
    readLocal: (value) => toLocal(value).values as Float32Array,
    readFull: (value) => {
      // Read outside the scope: tidy looks at every element of an array that it returns, and fails beyond 2^24 of them.
      const whole = tidy(() => full(value));
      const values = whole.dataSync<"float32">();
      whole.dispose();
      return values;
    },
  };
}
