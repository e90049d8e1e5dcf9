/**
 * Splits a dense GPT by a plan: patterns of parameter names, and where those lie. The model's code knows of no mesh.
 *
 * `gptPlan` places the weights as `parallelGPT`'s layers do, and the two communicate the same. A plan is an ordinary
 * object: entries added to it override it. Of the table, the rows of the blocks' weights are shown.
 *
 * Prints (`pnpm example 11-parallelize-plan`):
 *
 * ```text
 * [rank 0] parameter                           shape     placement    bytes per rank
 * [rank 0] blocks.*.attention.query.weight x3  [12, 12]  tp Shard(1)             864
 * [rank 0] blocks.*.attention.key.weight x3    [12, 12]  tp Shard(1)             864
 * [rank 0] blocks.*.attention.value.weight x3  [12, 12]  tp Shard(1)             864
 * [rank 0] blocks.*.attention.out.weight x3    [12, 12]  tp Shard(0)             864
 * [rank 0] blocks.*.mlp.up.weight x3           [12, 20]  tp Shard(1)            1440
 * [rank 0] blocks.*.mlp.down.weight x3         [20, 12]  tp Shard(0)            1440
 * [rank 0] total                                                       8496 of 15744
 * [rank 0] axis  collective  calls  bytes sent
 * [rank 0] tp    allReduce      16        6840
 * [rank 0] parallelGPT communicates the same: true
 * [rank 0] max |sharded - dense| of all gradients = 0.000000
 * ```
 *
 * @packageDocumentation
 */
import { crossEntropy, defineProgram, GPT, gradients, initialize, launchHere } from "@meshwright/core";
import * as mw from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

const SIZES = { vocabSize: 12, contextLength: 6, features: 12, heads: 6, layers: 3, mlpFeatures: 20 };

export default defineProgram(({ world }) => {
  const mesh = mw.createMesh(world, { tp: 2 });
  const planned = new GPT(SIZES);
  const summary = mw.parallelize(planned, { mesh, plan: mw.gptPlan({ axis: "tp" }) });
  const layered = mw.parallelGPT({ ...SIZES, mesh, axis: "tp" });
  const dense = new GPT(SIZES);

  const tokens = tf.tensor2d([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], [2, 5], "int32");
  const [plan, layers, whole] = [planned, layered, dense].map((model) => {
    initialize(model, { seed: 1 }); // the same values in all three, drawn in parts where they are split
    return mw.countCommunication(world, () =>
      gradients(model, () => crossEntropy(model.apply(tokens), tokens)),
    );
  });
  const differences = [...whole!.result.grads].map(
    ([name, gradient]) => tf.max(tf.abs(tf.sub(gradient, plan!.result.grads.get(name)!))).dataSync()[0]!,
  );

  if (world.rank > 0) return;
  const rows = mw.draw(summary).split("\n");
  console.log(rows.filter((row) => /^parameter|(attention|mlp).*weight|^total/.test(row)).join("\n"));
  console.log(mw.formatCommunication(plan!.totals).trimEnd());
  const [a, b] = [plan!, layers!].map(({ totals }) => JSON.stringify(totals));
  console.log(`parallelGPT communicates the same: ${a === b}`);
  console.log(`max |sharded - dense| of all gradients = ${Math.max(...differences).toFixed(6)}`);
});

await launchHere(import.meta, { ranks: 2 });
