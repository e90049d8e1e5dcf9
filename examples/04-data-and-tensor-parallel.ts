/**
 * Trains on a mesh of two axes: the batch is split along `dp`, the weights along `tp`.
 *
 * ```
 *             tp ->                x          dp Shard(0)   3 of 6 rows per rank
 *       dp  | rank 0  rank 1       up.weight  tp Shard(1)   5 of 10 columns per rank
 *           v rank 2  rank 3       gradients  as their weights, after a sum over dp
 * ```
 *
 * Prints (`pnpm example 04-data-and-tensor-parallel`):
 *
 * ```text
 * [rank 0] up.weight float32[4, 10]: dp Replicate(), tp Shard(1); this rank holds [4, 5] from [0, 0], 80 bytes
 * [rank 0] axis  collective  calls  bytes sent
 * [rank 0] tp    allReduce       1          48
 * [rank 0] dp    allReduce       4         196
 * [rank 0] max |sharded - dense| = 0.00000
 * ```
 *
 * @packageDocumentation
 */
import * as core from "@meshwright/core";
import * as mw from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

const SIZES = { features: 4, hiddenFeatures: 10 };

/** One step; returns the new `up.weight`. */
function trainStep(model: core.GeluMLP | mw.ParallelGeluMLP, x: tf.Tensor): tf.Tensor {
  core.initialize(model, { seed: 1 });
  const parameters = core.namedParameters(model);
  const { grads } = core.gradients(model, () => tf.mean(tf.square(tf.sub(model.apply(x), x))));
  new core.SGD(parameters, { learningRate: 0.5 }).step(grads); // 4 gradients: summed over dp here
  return parameters.get("up.weight")!.variable;
}

export default core.defineProgram(({ world }) => {
  const mesh = mw.createMesh(world, { dp: 2, tp: 2 });
  const x = tf.randomNormal([6, 4], 0, 1, "float32", 1);
  const xSplit = mw.shard(x, mesh, { dp: mw.Shard(0) });

  const model = new mw.ParallelGeluMLP({ mesh, axis: "tp", ...SIZES });
  const { result, totals } = mw.countCommunication(world, () => trainStep(model, xSplit));
  const dense = trainStep(new core.GeluMLP(SIZES), x);
  const difference = tf.max(tf.abs(tf.sub(result, dense))).dataSync()[0]!;

  if (world.rank > 0) return;
  console.log("up.weight", mw.describe(result));
  console.log(mw.formatCommunication(totals).trimEnd());
  console.log(`max |sharded - dense| = ${difference.toFixed(5)}`);
});

await core.launchHere(import.meta, { ranks: 4 });
