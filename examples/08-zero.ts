/**
 * Splits optimizer state, gradients and parameters over data-parallel ranks: the three stages of ZeRO.
 *
 * All give the same weights; what differs is what a rank holds, and sends. Stage 3 gathers a parameter where it is read.
 *
 * Prints (`pnpm example 08-zero`):
 *
 * ```text
 * [rank 0] bytes on a rank: weights  gradients  moments  sent per step
 * [rank 0] stage 0           28416      28416    56832          42624
 * [rank 0] stage 1           28416       7104    14208          42624
 * [rank 0] stage 2           28416       7104    14208          42624
 * [rank 0] stage 3            7104       7104    14208          61920
 * [rank 0] all weights have the same bits: true
 * ```
 *
 * @see Rajbhandari et al. 2020, "ZeRO", section 5, https://arxiv.org/abs/1910.02054
 * @packageDocumentation
 */
import * as core from "@meshwright/core";
import * as mw from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

const TOKENS = Array.from({ length: 8 * 6 }, (_, i) => (i * i) % 13);

function train(mesh: mw.DeviceMesh<{ dp: 4 }>, stage: mw.ZeROStage) {
  const model = new core.GPT({ vocabSize: 13, contextLength: 6, features: 16, heads: 4, layers: 2 });
  const training = new mw.DataParallel(model, { mesh, axis: "dp", stage });
  core.initialize(model, { seed: 1 });
  const optimizer = new core.AdamW(training.parameters, { createState: training.createState });
  const tokens = mw.shard(tf.tensor2d(TOKENS, [8, 6], "int32"), mesh, { dp: mw.Shard(0) });
  const step = () => {
    const { grads } = training.gradients(() => core.crossEntropy(model.apply(tokens), tokens));
    training.step(optimizer, grads);
    return grads;
  };
  for (let i = 0; i < 2; i++) step();
  const { result: grads, totals } = mw.countCommunication(mesh.world, step);
  const weights = [...training.parameters.values()].map(({ variable }) => variable);
  const moments = [...optimizer.states.values()].flatMap(({ m, v }) => [m, v]);
  const sent = totals.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
  return {
    bytes: [...[weights, grads.values(), moments].map((tensors) => mw.localBytes(tensors)), sent],
    hash: core.parameterHash(model),
  };
}

export default core.defineProgram(({ world }) => {
  const mesh = mw.createMesh(world, { dp: 4 });
  const stages = ([0, 1, 2, 3] as const).map((stage) => train(mesh, stage));
  if (world.rank > 0) return;
  console.log("bytes on a rank: weights  gradients  moments  sent per step");
  for (const [stage, { bytes }] of stages.entries()) {
    console.log(`stage ${stage}`, ...bytes.map((count, i) => String(count).padStart([15, 10, 8, 14][i]!)));
  }
  console.log(`all weights have the same bits: ${stages.every(({ hash }) => hash === stages[0]!.hash)}`);
});

await core.launchHere(import.meta, { ranks: 4 });
