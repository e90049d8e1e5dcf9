/**
 * Splits the experts of a layer over two ranks: each token visits 2 of 8 experts, wherever they are.
 *
 * ```
 *   rank 0: tokens 0..7                  rank 1: tokens 8..15
 *           experts 0..3  <- all-to-all ->       experts 4..7
 * ```
 *
 * Rows go to the ranks of their experts, and what became of them comes back; backward the gradients go the same ways.
 *
 * Prints (`pnpm example 13-mixture-of-experts`):
 *
 * ```text
 * [rank 0] tokens per expert: 4 6 7 8 0 4 0 3
 * [rank 0] experts.up float32[8, 6, 10]: ep Shard(0); this rank holds [4, 6, 10] from [0, 0, 0], 960 bytes
 * [rank 0] axis  collective  calls  bytes sent
 * [rank 0] ep    allReduce       2          40
 * [rank 0] ep    allToAll        4         456
 * [rank 0] 288 of 1008 parameters act on a token
 * [rank 0] max |sharded - dense| of 3 gradients = 0.00000
 * ```
 *
 * @see Lepikhin et al. 2020, "GShard", section 2, https://arxiv.org/abs/2006.16668
 * @packageDocumentation
 */
import { defineProgram, gradients, initialize, launchHere } from "@meshwright/core";
import { activeParameters, MoELayer, totalParameters } from "@meshwright/moe";
import * as mw from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

const SIZES = { features: 6, hidden: 10, numExperts: 8, topK: 2, balance: { loss: 0.01 } };

export default defineProgram(({ world }) => {
  const mesh = mw.createMesh(world, { ep: 2 });
  const split = new MoELayer({ ...SIZES, name: "moe", parallel: { mesh, expertAxis: "ep" } });
  const dense = new MoELayer({ ...SIZES, name: "moe" });
  for (const layer of [split, dense]) initialize({ layer }, { seed: 1 });

  const x = tf.sin(tf.range(0, 16 * 6).reshape([16, 6]));
  split.onLoad = ({ counts }) => {
    if (world.rank === 0) console.log(`tokens per expert: ${counts.join(" ")}`);
  };
  const step = (layer: MoELayer, input: tf.Tensor) =>
    gradients({ layer }, () => tf.sum(tf.square(layer.apply(input))));
  const counted = mw.countCommunication(world, () => step(split, mw.shard(x, mesh, { ep: mw.Shard(0) })));
  const whole = step(dense, x);
  const differences = [...whole.grads].map(
    ([name, gradient]) => tf.max(tf.abs(tf.sub(gradient, counted.result.grads.get(name)!))).dataSync()[0]!,
  );

  if (world.rank > 0) return;
  console.log("experts.up", mw.describe(split.experts.up.variable));
  console.log(mw.formatCommunication(counted.totals).trimEnd());
  console.log(`${activeParameters(split)} of ${totalParameters(split)} parameters act on a token`);
  const most = Math.max(...differences).toFixed(5);
  console.log(`max |sharded - dense| of ${differences.length} gradients = ${most}`);
});

await launchHere(import.meta, { ranks: 2 });
