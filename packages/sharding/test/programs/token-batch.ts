/**
 * A small GPT's sizes and batches of tokens for it.
 */
import { philox4x32 } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";

// Pairwise different; the features do not divide by 5, nor most sizes by 2 or 3.
export const SIZES = { vocabSize: 13, contextLength: 7, features: 12, heads: 4, layers: 2, mlpFeatures: 18 };

/** Tokens and the tokens after them, from a counter: the same on every rank. */
export function tokenBatch(rows: number, step: number): [tf.Tensor, tf.Tensor] {
  const length = SIZES.contextLength + 1;
  const tokens = Array.from({ length: rows * length }, (_, i) => {
    const [word] = philox4x32([i, step, 0, 0], [1, 2]);
    // A skewed distribution: there is something to learn.
    return Math.floor(SIZES.vocabSize * (word! / 2 ** 32) ** 2);
  });
  const all = tf.tensor2d(tokens, [rows, length], "int32");
  return [tf.slice(all, [0, 0], [-1, length - 1]), tf.slice(all, [0, 1], [-1, length - 1])];
}
