/**
 * Ranks at different coordinates of one axis run different programs on their sub-meshes.
 */
import { defineProgram } from "@meshwright/core";
import {
  createMesh,
  Partial,
  placementsOf,
  redistribute,
  shard,
  Shard,
  subMesh,
  toLocal,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { thrownText } from "./thrown-text.ts";

export interface SubMeshOptions {
  /** Of the mesh `{ dp: 2, pp: 2, tp: 2 }`; or a mesh of `pp` alone. */
  readonly only: boolean;
  /** A rank whose constant differs from that of the rest of its stage. */
  readonly wrongRank?: number;
}

export interface SubMeshFacts {
  readonly axes: Readonly<Record<string, number>>;
  readonly coordinate: readonly number[];
  readonly groups: Readonly<Record<string, readonly number[]>>;
  readonly isSame: boolean;
  readonly sum: readonly number[];
  readonly local: readonly number[];
  readonly placements: readonly string[];
  readonly unknownAxis: string;
}

export default defineProgram<SubMeshOptions, unknown, SubMeshFacts>(({ world, options }) => {
  const { only, wrongRank } = options;
  const mesh = only
    ? createMesh(world, { pp: world.size })
    : createMesh(world, { dp: 2, pp: 2, tp: world.size / 4 });
  const stage = mesh.group("pp").rank;
  const stageMesh = subMesh(mesh, { without: "pp" });
  const [first] = stageMesh.axisNames;
  const x = shard(tf.range(0, 6), stageMesh, { [first!]: Shard(0) });
  // Another number of operations and constants per stage: nothing of it may be compared across stages.
  let sum: tf.Tensor = redistribute(x, { [first!]: Shard(0) });
  for (let i = 0; i <= stage; i++) sum = tf.mul(sum, tf.scalar(world.rank === wrongRank ? 3 : 2));
  sum = redistribute(tf.add(sum, shard(tf.zeros([6]), stageMesh, { [first!]: Partial() })), {});
  return {
    axes: stageMesh.axes,
    coordinate: stageMesh.coordinate,
    groups: Object.fromEntries(stageMesh.axisNames.map((axis) => [axis, stageMesh.group(axis).ranks])),
    isSame: subMesh(mesh, { without: "pp" }) === stageMesh,
    sum: [...sum.dataSync()],
    local: [...toLocal(x).values],
    placements: Object.values(placementsOf(x)).map(({ kind }) => kind),
    unknownAxis: thrownText(() => subMesh(mesh, { without: "xx" as "pp" })),
  };
});
