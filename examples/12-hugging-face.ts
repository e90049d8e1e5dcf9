/**
 * Loads a Hugging Face model on two ranks, each its own part, and compares its logits with those of transformers.
 *
 * The folder holds a small random GPT-2 that `save_pretrained` wrote; `logits` are what transformers computed with it.
 *
 * ```
 *   config.json          -> gptOptionsFromConfig -> parallelGPT
 *   model.safetensors
 *     wte.weight  [37, 24]   rank 0: rows 0..18                rank 1: rows 19..36
 *     c_attn      [24, 72]   rank 0: columns 0..11, 24..35,    rank 1: the others
 *                                    48..59 (query, key, value)
 * ```
 *
 * Prints (`pnpm example 12-hugging-face`):
 *
 * ```text
 * [rank 0] GPT of 2 layers, vocabulary 37; read 33024 of 63072 bytes
 * [rank 0] query.weight float32[24, 24]: tp Shard(1); this rank holds [24, 12] from [0, 0], 1152 bytes
 * [rank 0] max |logits - transformers| = 0.00000
 * ```
 *
 * @packageDocumentation
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as mw from "@meshwright/core";
import { createMesh, describe, parallelGPT } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

const GOLDEN = new URL("../packages/core/golden/", import.meta.url);
const FOLDER = fileURLToPath(new URL("hugging-face/gpt2", GOLDEN));

export default mw.defineProgram(({ world }) => {
  const mesh = createMesh(world, { tp: 2 });
  const options = mw.gptOptionsFromConfig(mw.readHuggingFaceConfig(FOLDER));
  const model = parallelGPT({ mesh, axis: "tp", ...options });
  // Rows of so small a model are short, and would be read whole by default.
  const { bytesRead } = mw.loadHuggingFace(model, FOLDER, { maxGapBytes: 0 });

  const text = readFileSync(new URL("hugging-face.json", GOLDEN), "utf8");
  const golden = JSON.parse(text) as { tokens: number[][]; logits: { gpt2: number[] } };
  const logits = model.apply(tf.tensor2d(golden.tokens, [2, 7], "int32"));
  const expected = tf.tensor(golden.logits.gpt2, logits.shape);
  const difference = tf.max(tf.abs(tf.sub(logits, expected))).dataSync()[0]!;

  if (world.rank > 0) return;
  const bytes = `read ${bytesRead.data} of ${4 * mw.countParameters(model)} bytes`;
  console.log(`GPT of ${options.layers} layers, vocabulary ${options.vocabSize}; ${bytes}`);
  const parameters = mw.namedParameters(model);
  console.log("query.weight", describe(parameters.get("blocks.0.attention.query.weight")!.variable));
  console.log(`max |logits - transformers| = ${difference.toFixed(5)}`);
});

await mw.launchHere(import.meta, { ranks: 2 });
