/**
 * Draws at random in every way that tfjs knows, and returns what this rank holds.
 */
import { defineProgram } from "@meshwright/core";
import { createMesh, full, shard, Shard, toLocal } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export interface RandomDraws {
  /** Drawn without a seed; must be the same on every rank. */
  readonly replicated: Readonly<Record<string, readonly number[]>>;
  /** A draw that was laid out, made whole again, and the draw itself. */
  readonly split: readonly number[];
  readonly whole: readonly number[];
}

export default defineProgram(({ world }): RandomDraws => {
  const mesh = createMesh(world, { tp: world.size });
  const local = (t: tf.Tensor): number[] => [...toLocal(t).values];
  const drawn = tf.randomNormal([5, 3]);
  const ones = shard(tf.ones([64]), mesh, {});
  return {
    replicated: {
      "Math.random": [Math.random(), Math.random()],
      normal: local(tf.randomNormal([7])),
      "normal again": local(tf.randomNormal([7])),
      uniform: local(tf.randomUniform([7], -1, 2)),
      truncated: local(tf.truncatedNormal([7])),
      gamma: local(tf.randomGamma([7], 2)),
      dropout: local(tf.dropout(ones, 0.5)),
      multinomial: local(tf.multinomial(tf.tensor1d([0.1, 0.2, 0.7]), 9)),
      initializer: local(tf.initializers.glorotUniform({}).apply([3, 4])),
      shuffle: [...tf.util.createShuffledIndices(9)],
    },
    split: [...full(shard(drawn, mesh, { tp: Shard(0) })).dataSync()],
    whole: [...drawn.dataSync()],
  };
});
