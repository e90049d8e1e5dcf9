/**
 * Trains a layer of experts whose batch is split over `dp` and `ep`, saves it after two steps, and does a third one; or
 * loads what was saved, on this mesh, and does the third one.
 */
import { clipGradNorm, defineProgram, AdamW, initialize, namedParameters } from "@meshwright/core";
import {
  DataParallel,
  collectValues,
  createMesh,
  loadCheckpoint,
  saveCheckpoint,
  shard,
  Shard,
  type NamedValues,
  type ZeROStage,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { finishMoEStep, MoELayer } from "../../src/index.ts";

export interface LayerTrainingOptions {
  readonly axes: { readonly dp: number; readonly ep: number };
  readonly stage: ZeROStage;
  readonly folder: string;
  readonly isResumed: boolean;
}

const [T, D] = [11, 6];

export default defineProgram<LayerTrainingOptions, unknown, NamedValues>(
  async ({ world, options: { axes, stage, folder, isResumed } }) => {
    const mesh = createMesh(world, axes);
    const layer = new MoELayer({
      ...{ features: D, hidden: 5, numExperts: 4, topK: 2, name: "moe" },
      capacity: { factor: 1 },
      balance: { loss: 0.1, biasRate: 0.05 },
      parallel: { mesh, expertAxis: "ep", dataAxes: ["dp"] },
    });
    const model = { layer };
    const training = new DataParallel(model, { mesh, axis: "dp", stage });
    initialize(model, { seed: isResumed ? 2 : 1 });
    const { createState } = training;
    const optimizer = new AdamW(training.parameters, { learningRate: 0.01, epsilon: 1e-3, createState });
    const batch = (step: number): tf.Tensor =>
      tf.tidy(() => {
        const whole = tf.sin(tf.mul(tf.range(0, T * D), 0.61 + step / 9)).reshape([T, D]);
        return shard(whole, mesh, { dp: Shard(0), ep: Shard(0) });
      });
    const doStep = (step: number): void => {
      const x = batch(step);
      const { loss, grads } = training.gradients(() => tf.mean(tf.square(tf.sub(layer.apply(x), 1))));
      const { norm, grads: clipped } = clipGradNorm(grads, 0.5);
      training.step(optimizer, clipped);
      finishMoEStep(model);
      tf.dispose([x, loss, norm, ...grads.values(), ...clipped.values()]);
    };
    if (isResumed) {
      await loadCheckpoint(folder, { model, optimizer }, { mesh });
    } else {
      doStep(0);
      doStep(1);
      await saveCheckpoint(folder, { model, optimizer, step: 2 }, { mesh });
    }
    const live = tf.memory().numTensors;
    doStep(2);
    const leaked = { shape: [1], values: Float32Array.of(tf.memory().numTensors - live) };
    const parameters = [...namedParameters(model)].map(([name, { variable }]) => [name, variable] as const);
    return { ...collectValues(Object.fromEntries(parameters)), leaked };
  },
);
