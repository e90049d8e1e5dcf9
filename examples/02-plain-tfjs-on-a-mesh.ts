/**
 * Trains an ordinary TensorFlow.js program on two ranks: only the variables say where they live.
 *
 * `train` is plain tfjs: `tf.matMul`, `tf.losses`, `tf.train.adam`. It runs twice on each rank, once with variables that
 * are whole on every rank, and once with `w1` split by columns and `w2` by rows. The gradients and Adam's moments then
 * lie as their variable does.
 *
 * Prints (`pnpm example 02-plain-tfjs-on-a-mesh`):
 *
 * ```text
 * [rank 0] loss 0.91 -> 0.02 in 60 steps
 * [rank 0] w1 float32[4, 10]: tp Shard(1); this rank holds [4, 5] from [0, 0], 80 bytes
 * [rank 0] max |sharded - dense| of the losses = 0.00000
 * ```
 *
 * @packageDocumentation
 */
import { defineProgram, launchHere } from "@meshwright/core";
import { createMesh, describe, shard, Shard } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

const NUM_STEPS = 60;

function train(w1: tf.Variable, w2: tf.Variable): number[] {
  const x = tf.randomNormal([12, 4], 0, 1, "float32", 1);
  const y = tf.sin(tf.sum(x, 1, true));
  const optimizer = tf.train.adam(0.03);
  return Array.from({ length: NUM_STEPS }, () =>
    tf.tidy(() => {
      const loss = () => tf.losses.meanSquaredError(y, tf.matMul(tf.tanh(tf.matMul(x, w1)), w2)).asScalar();
      return optimizer.minimize(loss, true)!.dataSync()[0]!;
    }),
  );
}

export default defineProgram(({ world }) => {
  const mesh = createMesh(world, { tp: 2 });
  const start1 = tf.randomNormal([4, 10], 0, 0.5, "float32", 2);
  const start2 = tf.randomNormal([10, 1], 0, 0.5, "float32", 3);

  const dense = train(tf.variable(start1), tf.variable(start2));
  const w1 = tf.variable(shard(start1, mesh, { tp: Shard(1) }));
  const w2 = tf.variable(shard(start2, mesh, { tp: Shard(0) }));
  const sharded = train(w1, w2);

  if (world.rank > 0) return;
  const difference = Math.max(...sharded.map((loss, step) => Math.abs(loss - dense[step]!)));
  console.log(`loss ${sharded[0]!.toFixed(2)} -> ${sharded.at(-1)!.toFixed(2)} in ${NUM_STEPS} steps`);
  console.log("w1", describe(w1));
  console.log(`max |sharded - dense| of the losses = ${difference.toFixed(5)}`);
});

await launchHere(import.meta, { ranks: 2 });
