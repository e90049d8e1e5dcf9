/**
 * A convolutional network for handwritten digits, and its training: plain tf.layers, which knows nothing of meshes.
 *
 * Legend: B = images of a batch.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { IMAGE_SIDE, NUM_DIGITS, type Digits } from "../data/mnist-digits.ts";

const BATCH_SIZE = 100;

/** Two convolutions and two dense layers, with initial weights of fixed seeds. */
export function createDigitsModel(): tf.LayersModel {
  const { conv2d, dense, flatten, maxPooling2d } = tf.layers;
  const relu = (seed: number) =>
    ({ activation: "relu", kernelInitializer: tf.initializers.heNormal({ seed }) }) as const;
  const inputShape = [IMAGE_SIDE, IMAGE_SIDE, 1];
  return tf.sequential({
    layers: [
      conv2d({ name: "conv1", filters: 8, kernelSize: 5, inputShape, ...relu(1) }), // [B, 28, 28, 1] -> [B, 24, 24, 8]
      maxPooling2d({ name: "pool1", poolSize: 2 }), // -> [B, 12, 12, 8]
      conv2d({ name: "conv2", filters: 16, kernelSize: 3, ...relu(2) }), // -> [B, 10, 10, 16]
      maxPooling2d({ name: "pool2", poolSize: 2 }), // -> [B, 5, 5, 16]
      flatten({ name: "flat" }), // -> [B, 400]
      dense({ name: "dense1", units: 64, ...relu(3) }), // -> [B, 64]
      dense({ name: "dense2", units: NUM_DIGITS, ...relu(4), activation: "softmax" }), // -> [B, 10]
    ],
  });
}

/** Trains with `model.fit` on each image once, in their order. Returns the loss of every batch. */
export async function fitDigits(
  model: tf.LayersModel,
  digits: Digits,
  optimizer: tf.Optimizer,
): Promise<number[]> {
  model.compile({ optimizer, loss: "sparseCategoricalCrossentropy", metrics: ["accuracy"] });
  const losses: number[] = [];
  const onBatchEnd = (_batch: number, logs?: tf.Logs): void => {
    losses.push(logs!.loss!);
  };
  const [x, y] = tensorsOf(digits);
  const callbacks = { onBatchEnd };
  await model.fit(x, y, { batchSize: BATCH_SIZE, shuffle: false, yieldEvery: "never", callbacks });
  tf.dispose([x, y]);
  return losses;
}

/** The share of the digits that a compiled model reads correctly. */
export function accuracyOn(model: tf.LayersModel, digits: Digits): number {
  const [x, y] = tensorsOf(digits);
  const [loss, accuracy] = model.evaluate(x, y) as tf.Scalar[];
  const share = accuracy!.dataSync()[0]!;
  tf.dispose([x, y, loss!, accuracy!]);
  return share;
}

function tensorsOf({ images, labels, count }: Digits): [tf.Tensor, tf.Tensor] {
  return [tf.tensor(images, [count, IMAGE_SIDE, IMAGE_SIDE, 1]), tf.tensor1d(labels, "float32")];
}
