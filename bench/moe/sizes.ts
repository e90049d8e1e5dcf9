/**
 * Sizes and inputs that the programs of the mixture-of-experts benchmark share.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";

/** Sizes of a layer and its batch. */
export interface MoESizes {
  /** T, over all ranks. */
  readonly tokens: number;
  /** D. */
  readonly features: number;
  /** F, of each expert. */
  readonly hidden: number;
  /** E. */
  readonly experts: number;
  /** K. */
  readonly topK: number;
}

/** Pairwise different values between -1 and 1, the same on every rank; kept until it is disposed. */
export function wave(shape: readonly number[], seed: number): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tidy(() => tf.reshape(tf.sin(tf.mul(tf.range(0, size), 0.61 + seed / 7)), [...shape]));
}

/** Gradients of `sum(y dy)` by all variables, computed and dropped; `y` is what the body makes. */
export function differentiate(
  body: () => tf.Tensor,
  { dy, by }: { readonly dy: tf.Tensor; readonly by: readonly tf.Variable[] },
): void {
  const { value, grads } = tf.variableGrads(() => tf.sum(tf.mul(body(), dy)), [...by]);
  tf.dispose([value, grads]);
}
