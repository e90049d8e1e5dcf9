/**
 * Saves a training on one mesh and goes on with it on another.
 *
 * Two ranks that split the model (`tp`) write a file each. Two that split the batch and, with ZeRO, each tensor elsewhere
 * (`dp`) read the byte ranges of their own parts: a checkpoint knows names and global shapes, not the mesh.
 *
 * Prints (`pnpm example 10-checkpoint`):
 *
 * ```text
 * [rank 0] index.json  shard-00000-of-00002.safetensors  shard-00001-of-00002.safetensors
 * [rank 0] saved  float32[12, 11]: tp Shard(1); this rank holds [12, 6] from [0, 0], 288 bytes
 * [rank 0] loaded float32[12, 11]: dp Shard(0); this rank holds [6, 11] from [0, 0], 264 bytes
 * [rank 0] step 1, same bits: true
 * [rank 0] max |saved - loaded| of the next loss = 0.000000
 * ```
 *
 * @packageDocumentation
 */
import { readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as core from "@meshwright/core";
import * as mw from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

const SIZES = { vocabSize: 11, contextLength: 4, features: 12, heads: 6, layers: 2 };
const DIR = join(tmpdir(), `meshwright-checkpoint-${process.pid}`); // ranks are threads of one process

export default core.defineProgram(async ({ world }) => {
  const lossOf = (model: core.GPT, x: tf.Tensor) => () => core.crossEntropy(model.apply(x), x);
  const tokens = tf.tensor2d([3, 1, 4, 1, 5, 9, 2, 6], [2, 4], "int32");
  const tp = mw.createMesh(world, { tp: 2 });
  const before = mw.parallelGPT({ ...SIZES, mesh: tp, axis: "tp" });
  core.initialize(before, { seed: 1 });
  const optimizer = new core.AdamW(core.namedParameters(before));
  optimizer.step(core.gradients(before, lossOf(before, tokens)).grads);
  await mw.saveCheckpoint(DIR, { model: before, optimizer, step: 1 }, { mesh: tp });

  const dp = mw.createMesh(world, { dp: 2 });
  const after = new core.GPT(SIZES);
  const training = new mw.DataParallel(after, { mesh: dp, axis: "dp", stage: 3 });
  core.initialize(after, { seed: 2 }); // other values, which loading replaces
  const state = new core.AdamW(training.parameters, { createState: training.createState });
  const loading = await mw.loadCheckpoint(DIR, { model: after, optimizer: state }, { mesh: dp });
  const hashes = [before, after].map((model) => core.parameterHash(model));
  const split = mw.shard(tokens, dp, { dp: mw.Shard(0) });
  const next = [lossOf(before, tokens), lossOf(after, split)].map((loss) => loss().dataSync()[0]!);
  if (world.rank > 0) return;
  console.log(readdirSync(loading.folder).sort().join("  "));
  const [head, loaded] = [before, after].map((model) => core.namedParameters(model).get("head.weight")!);
  console.log("saved ", mw.describe(head!.variable));
  console.log("loaded", mw.describe(loaded!.variable));
  console.log(`step ${loading.step}, same bits: ${hashes[0] === hashes[1]}`);
  console.log(`max |saved - loaded| of the next loss = ${Math.abs(next[0]! - next[1]!).toFixed(6)}`);
  rmSync(DIR, { recursive: true });
});

await core.launchHere(import.meta, { ranks: 2 });
