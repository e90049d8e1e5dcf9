/**
 * Rank 1 does something else than rank 0.
 */
import { defineProgram } from "@meshwright/core";
import { createMesh, full, shard, Shard } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export type Disagreement = "skips and ends" | "skips and goes on" | "other shape";

export default defineProgram<{ readonly how: Disagreement }>(({ world, options: { how } }) => {
  const mesh = createMesh(world, { tp: world.size });
  const isOdd = world.rank === 1;
  const rows = how === "other shape" && isOdd ? 6 : 4;
  const x = shard(tf.ones([rows, 4]), mesh, { tp: Shard(0) });
  if (!(isOdd && how.startsWith("skips"))) full(x).dispose();
  if (how === "skips and goes on") tf.sum(x).dataSync();
});
