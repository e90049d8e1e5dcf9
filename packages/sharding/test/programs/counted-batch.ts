/**
 * Batches of tokens that every rank makes alike, from a counter.
 */
import { philox4x32 } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";

/** Sizes of a batch. */
export interface BatchSizes {
  readonly sequences: number;
  readonly length: number;
  readonly vocabSize: number;
}

/** Tokens and the tokens after them, `[sequences, length]` each. Small tokens are frequent: there is something to learn. */
export function countedBatch(
  step: number,
  { sequences, length, vocabSize }: BatchSizes,
): { readonly tokens: tf.Tensor; readonly labels: tf.Tensor } {
  const columns = length + 1;
  const values = Array.from({ length: sequences * columns }, (_, i) => {
    const [word] = philox4x32([i, step, 0, 0], [1, 2]);
    return Math.floor(vocabSize * (word! / 2 ** 32) ** 2);
  });
  const all = tf.tensor2d(values, [sequences, columns], "int32");
  return { tokens: tf.slice(all, [0, 0], [-1, length]), labels: tf.slice(all, [0, 1], [-1, length]) };
}
