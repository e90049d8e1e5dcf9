/**
 * Trains a tf.layers model whose weights a plan places, by `fit` or by a step of its own.
 */
import { defineProgram } from "@meshwright/core";
import {
  collectValues,
  createMesh,
  dataParallelOptimizer,
  parallelizeLayers,
  Shard,
  type MeshAxes,
  type NamedValues,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { createData, createModel, lossOf, NORM_PLAN, PLAN } from "./layers-model-parts.ts";

export interface LayersModelOptions {
  readonly mesh: MeshAxes;
  readonly optimizer: "momentum" | "adam" | "rmsprop";
  readonly loop: "fit" | "variableGrads" | "minimize";
  /** Whether gradients are reduced in buckets. */
  readonly isBucketed: boolean;
  /** Whether there is a batch norm: over the batch of all ranks along dp, each rank along tp its own channels. */
  readonly hasNorm: boolean;
}

const STEPS = 3;

export default defineProgram<LayersModelOptions, unknown, NamedValues>(async ({ world, options }) => {
  const mesh = createMesh(world, { dp: options.mesh.dp ?? 1, tp: options.mesh.tp ?? 1 });
  const { hasNorm } = options;
  const model = createModel({ hasNorm });
  const plan = { ...PLAN, ...(hasNorm && NORM_PLAN) };
  parallelizeLayers(model, { mesh, plan, batch: { dp: Shard(0) } });
  const plain = createOptimizer(options.optimizer);
  const optimizer = options.isBucketed ? dataParallelOptimizer(plain, { mesh, axis: "dp" }) : plain;
  const { x, y, numImages } = createData();
  const losses = options.loop === "fit" ? await fit(model, optimizer) : step(model, optimizer, options.loop);
  const evaluated = model.predict(x.slice([1], [numImages - 1])) as tf.Tensor;
  const weights = Object.fromEntries(model.weights.map((weight) => [weight.originalName, weight.read()]));
  return {
    ...collectValues({ evaluated, ...weights, loss: lossOf(model, x, y) }),
    losses: { shape: [losses.length], values: Float32Array.from(losses) },
  };
});

/** 10 images in batches of 4, 4 and 2, shuffled alike on every rank; losses, accuracies and those of 2 kept apart. */
async function fit(model: tf.LayersModel, optimizer: tf.Optimizer): Promise<number[]> {
  const { x, y } = createData();
  model.compile({ optimizer, loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  const { history } = await model.fit(x, y, {
    ...{ batchSize: 4, epochs: 2, yieldEvery: "never" },
    validationSplit: 0.2,
  });
  return Object.values(history).flat() as number[];
}

function step(model: tf.LayersModel, optimizer: tf.Optimizer, loop: "variableGrads" | "minimize"): number[] {
  const { x, y } = createData();
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  return Array.from({ length: STEPS }, () =>
    tf.tidy(() => {
      const loss = () => lossOf(model, x, y);
      if (loop === "minimize") return optimizer.minimize(loss, true, variables)!.dataSync()[0]!;
      const { value, grads } = tf.variableGrads(loss, variables);
      optimizer.applyGradients(grads);
      return value.dataSync()[0]!;
    }),
  );
}

function createOptimizer(name: LayersModelOptions["optimizer"]): tf.Optimizer {
  if (name === "momentum") return tf.train.momentum(0.05, 0.9);
  return name === "adam" ? tf.train.adam(0.01) : tf.train.rmsprop(0.01);
}
