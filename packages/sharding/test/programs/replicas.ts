/**
 * A program in which one rank draws another value than the rest, for checked mode.
 */
import { defineProgram } from "@meshwright/core";
import { createMesh, Replicate, shard, Shard } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export default defineProgram<{ readonly wrongRank: number | undefined }>(({ world, options }) => {
  const mesh = createMesh(world, { dp: 1, tp: world.size });
  tf.tidy(() => {
    const x = shard(tf.randomNormal([2, 3]), mesh, { tp: Replicate() });
    tf.matMul(x, shard(tf.ones([3, 5]), mesh, { tp: Shard(1) }));
    tf.mul(x, tf.scalar(world.rank === options.wrongRank ? 1.5 : 2));
  });
});
