/**
 * Splits the sequence of a Llama over two ranks: ring attention, the only layer in which positions meet.
 *
 * ```
 *   position   0  1  2  3 | 4  5  6  7      causal: late positions are more work, so each rank
 *   rank       0  0  1  1 | 1  1  0  0      holds an early and a late part of the sequence
 * ```
 *
 * Keys and values go around the ring, and backward once more with their gradients. All else works on its own positions;
 * gradients of the weights are summed, as in data parallelism.
 *
 * Prints (`pnpm example 09-context-parallel`):
 *
 * ```text
 * [rank 0] logits float32[2, 8, 11]: cp Shard(1); this rank holds [2, 4, 11] from [0, 0, 0], 352 bytes
 * [rank 0] axis  collective  calls  bytes sent
 * [rank 0] cp    send            2         512
 * [rank 0] cp    receive         2           0
 * [rank 0] max |sharded - dense| of 21 gradients = 0.00000
 * ```
 *
 * @see Liu et al. 2023, "Ring attention with blockwise transformers", https://arxiv.org/abs/2310.01889
 * @packageDocumentation
 */
import { crossEntropy, defineProgram, gradients, initialize, launchHere, Llama } from "@meshwright/core";
import * as mw from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

const SIZES = { vocabSize: 11, contextLength: 8, features: 12, heads: 6, keyValueHeads: 2, layers: 2 };

export default defineProgram(({ world }) => {
  const mesh = mw.createMesh(world, { cp: 2 });
  const attend = mw.contextParallelAttention({ mesh, axis: "cp" });
  const split = new Llama({ ...SIZES, parts: { attend } });
  const dense = new Llama(SIZES);
  for (const model of [split, dense]) initialize(model, { seed: 1 });

  const tokens = tf.tensor2d([3, 1, 4, 1, 5, 9, 2, 6, 2, 7, 1, 8, 2, 8, 1, 8], [2, 8], "int32");
  const labels = tf.tensor2d([1, 4, 1, 5, 9, 2, 6, 5, 7, 1, 8, 2, 8, 1, 8, 2], [2, 8], "int32");
  const batch = mw.contextParallelBatch({ tokens, labels }, { mesh, axis: "cp" });
  const forward = mw.countCommunication(world, () => split.apply(batch.tokens, batch.positions));
  const sharded = gradients(split, () =>
    crossEntropy(split.apply(batch.tokens, batch.positions), batch.labels),
  );
  const whole = gradients(dense, () => crossEntropy(dense.apply(tokens), labels));
  const differences = [...whole.grads].map(
    ([name, gradient]) => tf.max(tf.abs(tf.sub(gradient, sharded.grads.get(name)!))).dataSync()[0]!,
  );

  if (world.rank > 0) return;
  console.log("logits", mw.describe(forward.result));
  console.log(mw.formatCommunication(forward.totals).trimEnd());
  console.log(
    `max |sharded - dense| of ${differences.length} gradients = ${Math.max(...differences).toFixed(5)}`,
  );
});

await launchHere(import.meta, { ranks: 2 });
