/**
 * Trains an unmodified tf.layers model on MNIST digits, data- and tensor-parallel: a plan places its weights, that is all.
 *
 * `cnn/digits-cnn.ts` holds the model and its `model.fit`. A second model, not placed, is trained on the first 5 batches by
 * every rank, to compare. Gradients are summed over `dp` in one all-reduce; weights and Adam's moments stay where they are.
 * Learning rates were chosen by the first 100 of each digit, the next 700 train, and 60 more are read for the result alone.
 *
 * Prints (`pnpm example 07-tf-layers-cnn`):
 *
 * ```text
 * [rank 0] total                                      55432 of 110760
 * [rank 0] reads more than 90 % of 600 new digits: true
 * [rank 0] max |sharded - dense| of 5 losses = 0.00000
 * ```
 *
 * @packageDocumentation
 */
import { defineProgram, launchHere } from "@meshwright/core";
import * as mw from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { accuracyOn, createDigitsModel, fitDigits } from "./cnn/digits-cnn.ts";
import { mnistDigits } from "./data/mnist-digits.ts";

const PLAN = {
  "conv1.kernel": { tp: mw.Shard(3) }, // each rank its own filters
  "conv1.bias": { tp: mw.Shard(0) },
  "conv2.kernel": { tp: mw.Shard(2) }, // and what follows from them
  "dense1.kernel": { tp: mw.Shard(1) },
  "dense1.bias": { tp: mw.Shard(0) },
  "dense2.kernel": { tp: mw.Shard(0) },
  "**": mw.Replicate(),
};

export default defineProgram(async ({ world }) => {
  const mesh = mw.createMesh(world, { dp: 2, tp: 2 });
  const model = createDigitsModel();
  const summary = mw.parallelizeLayers(model, { mesh, plan: PLAN, batch: { dp: mw.Shard(0) } });
  const digits = mnistDigits({ from: 100, perDigit: 700 });
  const adam = (rate: number) => mw.dataParallelOptimizer(tf.train.adam(rate), { mesh, axis: "dp" });
  const losses = await fitDigits(model, digits, adam(0.01));
  await fitDigits(model, digits, adam(0.002));
  const accuracy = accuracyOn(model, mnistDigits({ from: 803, perDigit: 60 }));

  const dense = await fitDigits(
    createDigitsModel(),
    mnistDigits({ from: 100, perDigit: 50 }),
    tf.train.adam(0.01),
  );
  const difference = Math.max(...dense.map((loss, batch) => Math.abs(loss - losses[batch]!)));

  if (world.rank > 0) return;
  console.log(mw.draw(summary).trimEnd().split("\n").at(-1)); // bytes per rank; draw prints every weight
  console.log(`reads more than 90 % of 600 new digits: ${accuracy > 0.9}`);
  console.log(`max |sharded - dense| of ${dense.length} losses = ${difference.toFixed(5)}`);
});

await launchHere(import.meta, { ranks: 4 });
