/**
 * What a transformer is made of in plain tfjs: operations of tfjs alone, as its users write them.
 *
 * Legend: B sequences, T positions, D features, H heads, R = B T rows, V classes.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";

const EPSILON = 1e-5;
const CUBIC = 0.044715;
const TWICE_SQRT_2_OVER_PI = 2 * Math.sqrt(2 / Math.PI);

/** Layer normalisation over the last dim. */
export function plainLayerNorm(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  return x
    .sub(mean)
    .mul(tf.rsqrt(variance.add(EPSILON)))
    .mul(gamma)
    .add(beta);
}

/** GPT-2's GELU, `x sigmoid(2 u)`. */
export function plainGelu(x: tf.Tensor): tf.Tensor {
  return x.mul(tf.sigmoid(x.mul(x.square().mul(CUBIC).add(1)).mul(TWICE_SQRT_2_OVER_PI)));
}

/** `[R, I] x [I, O] + [O] -> [R, O]` */
export function plainLinear(x: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.matMul(x, w).add(b);
}

/** Causal attention of `[B, H, T, Dh]`; `mask` `[T, T]` is 0 where a position may look, and very low elsewhere. */
export function plainAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, mask: tf.Tensor): tf.Tensor {
  const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(q.shape.at(-1)!));
  return tf.matMul(tf.softmax(scores.add(mask)), v);
}

/** The mask of so many positions; the caller owns it. */
export function causalMask(length: number): tf.Tensor {
  return tf.tidy(() =>
    tf.linalg
      .bandPart(tf.ones([length, length]), -1, 0)
      .sub(1)
      .mul(1e9),
  );
}

/** Mean cross-entropy of `[R, V]` against `[R]`. */
export function plainCrossEntropy(logits: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  const hot = tf.oneHot(labels.as1D(), logits.shape.at(-1)!).cast("float32");
  return tf.logSoftmax(logits).mul(hot).sum().div(-logits.shape[0]);
}
