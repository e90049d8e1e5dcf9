/**
 * An unmodified tf.layers model, a plan for it, and what it is trained on.
 */
import { Replicate, Shard, type ParallelPlan } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

const SIDE = 8;
const CLASSES = 4;

/** 6 filters and 7 units; over 2 ranks the units are uneven. */
export const PLAN: ParallelPlan<Readonly<Record<"dp" | "tp", number>>> = {
  "conv1.kernel": { tp: Shard(3) },
  "conv1.bias": { tp: Shard(0) },
  "conv2.kernel": { tp: Shard(2) },
  "dense1.kernel": { tp: Shard(1) },
  "dense1.bias": { tp: Shard(0) },
  "dense2.kernel": { tp: Shard(0) },
  "**": Replicate(),
};

/** The channels of the batch norm lie as the first convolution leaves them. */
export const NORM_PLAN: typeof PLAN = { "norm1.*": { tp: Shard(0) } };

/** Two convolutions, two poolings, a batch norm where asked for, two dense layers. */
export function createModel({ hasNorm = false }: { readonly hasNorm?: boolean } = {}): tf.LayersModel {
  const kernelInitializer = (seed: number) => tf.initializers.heNormal({ seed });
  const { conv2d, dense, flatten, maxPooling2d, averagePooling2d, batchNormalization } = tf.layers;
  return tf.sequential({
    layers: [
      conv2d({
        ...{ name: "conv1", filters: 6, kernelSize: 3, inputShape: [SIDE, SIDE, 1] },
        kernelInitializer: kernelInitializer(1),
      }),
      maxPooling2d({ name: "pool1", poolSize: 2 }), // [B, 6, 6, 6] -> [B, 3, 3, 6]
      ...(hasNorm ? [batchNormalization({ name: "norm1" })] : []),
      conv2d({
        ...{ name: "conv2", filters: 5, kernelSize: 2, activation: "relu" },
        kernelInitializer: kernelInitializer(2),
      }),
      averagePooling2d({ name: "pool2", poolSize: 2, strides: 1 }), // [B, 2, 2, 5] -> [B, 1, 1, 5]
      flatten({ name: "flat" }),
      dense({ name: "dense1", units: 7, activation: "tanh", kernelInitializer: kernelInitializer(3) }),
      dense({
        name: "dense2",
        units: CLASSES,
        activation: "softmax",
        kernelInitializer: kernelInitializer(4),
      }),
    ],
  });
}

/** Images and one-hot labels, the same on every rank; 10 do not divide by 4. */
export function createData(): { readonly x: tf.Tensor; readonly y: tf.Tensor; readonly numImages: number } {
  const labels = [0, 1, 2, 3, 1, 1, 0, 3, 2, 0];
  return {
    x: tf.randomNormal([labels.length, SIDE, SIDE, 1], 0, 1, "float32", 7),
    y: tf.tidy(() => tf.oneHot(tf.tensor1d(labels, "int32"), CLASSES).toFloat()),
    numImages: labels.length,
  };
}

/** The mean loss over the images of a batch. */
export function lossOf(model: tf.LayersModel, x: tf.Tensor, y: tf.Tensor): tf.Scalar {
  return tf.tidy(() =>
    tf.mean<tf.Scalar>(
      tf.metrics.categoricalCrossentropy(y, model.apply(x, { training: true }) as tf.Tensor),
    ),
  );
}
