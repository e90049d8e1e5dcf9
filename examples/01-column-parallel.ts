/**
 * Splits two linear layers over two ranks: the first by columns, the second by rows.
 *
 * ```
 *   x       [5, 6]   the same on both ranks
 *   up      [6, 8]   rank 0: columns 0..3   rank 1: columns 4..7
 *   hidden  [5, 8]   each rank computes the columns of its weights, without communication
 *   down    [8, 3]   rank 0: rows 0..3      rank 1: rows 4..7
 *   y       [5, 3]   each rank has a summand; one all-reduce makes y
 * ```
 *
 * Prints (`pnpm example 01-column-parallel`):
 *
 * ```text
 * [rank 0] up.weight    float32[6, 8]: tp Shard(1); this rank holds [6, 4] from [0, 0], 96 bytes
 * [rank 0] down.weight  float32[8, 3]: tp Shard(0); this rank holds [4, 3] from [0, 0], 48 bytes
 * [rank 0] axis  collective  calls  bytes sent
 * [rank 0] tp    allReduce       1          60
 * [rank 0] max |sharded - dense| = 0.000000
 * ```
 *
 * @see Shoeybi et al. 2019, "Megatron-LM", section 3, https://arxiv.org/abs/1909.08053
 *
 * @packageDocumentation
 */
import { defineProgram, initialize, launchHere, Linear } from "@meshwright/core";
import * as mw from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export default defineProgram(({ world }) => {
  const mesh = mw.createMesh(world, { tp: 2 });
  const sharded = {
    up: new mw.ColumnParallelLinear({ mesh, axis: "tp", inFeatures: 6, outFeatures: 8 }),
    down: new mw.RowParallelLinear({ mesh, axis: "tp", inFeatures: 8, outFeatures: 3 }),
  };
  const dense = {
    up: new Linear({ inFeatures: 6, outFeatures: 8 }),
    down: new Linear({ inFeatures: 8, outFeatures: 3 }),
  };
  // An initial value depends on the seed, the parameter's name and the element's place, not on the number of ranks.
  for (const model of [sharded, dense]) initialize(model, { seed: 1 });

  const x = tf.randomNormal([5, 6], 0, 1, "float32", 1);
  const apply = ({ up, down }: typeof sharded | typeof dense) => down.apply(tf.relu(up.apply(x)));
  const { result, totals } = mw.countCommunication(world, () => apply(sharded));
  const difference = tf.max(tf.abs(tf.sub(result, apply(dense)))).dataSync()[0]!;

  if (world.rank > 0) return;
  console.log("up.weight   ", mw.describe(sharded.up.weight.variable));
  console.log("down.weight ", mw.describe(sharded.down.weight.variable));
  console.log(mw.formatCommunication(totals).trimEnd());
  console.log(`max |sharded - dense| = ${difference.toFixed(6)}`);
});

await launchHere(import.meta, { ranks: 2 });
