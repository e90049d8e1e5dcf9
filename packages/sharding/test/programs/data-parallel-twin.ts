/**
 * Trains a small GPT data-parallel, at any ZeRO stage, and returns everything that a dense twin must agree on.
 */
import {
  AdamW,
  checkpoint,
  clipGradNorm,
  crossEntropy,
  defineProgram,
  initialize,
  noDecayForVectors,
  SGD,
} from "@meshwright/core";
import {
  collectValues,
  createMesh,
  DataParallel,
  parallelGPT,
  shard,
  Shard,
  type DeviceMesh,
  type MeshAxes,
  type NamedValues,
  type ZeROStage,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { SIZES, tokenBatch } from "./token-batch.ts";

/** One way to train. All ways must end with the same weights. */
export interface Variant {
  readonly stage: ZeROStage;
  /** Rows of each micro-batch. Default: the whole batch. */
  readonly microBatches?: readonly number[];
  readonly bucketBytes?: number;
  /** Run the model again in the backward pass. Default: keep its activations. */
  readonly recompute?: boolean;
  /** Put the `tp` axis before the `dp` axis, so that both may cut one dim. */
  readonly tpFirst?: boolean;
  /** Fill the model before it is placed. Default: after. */
  readonly initializeFirst?: boolean;
}

export interface DataParallelTwinOptions {
  readonly mesh: MeshAxes;
  readonly steps: number;
  readonly optimizer: "AdamW" | "SGD";
  readonly variants: readonly Variant[];
}

type Mesh = DeviceMesh<{ readonly dp: number; readonly tp: number }>;

const BATCH = 5;

export default defineProgram<DataParallelTwinOptions, unknown, NamedValues>(({ world, options }) => {
  const { dp = 1, tp = 1 } = options.mesh;
  const meshes = { dpFirst: createMesh(world, { dp, tp }), tpFirst: createMesh(world, { tp, dp }) };
  const result: Record<string, NamedValues[string]> = {};
  for (const variant of options.variants) {
    const live = tf.memory().numTensors;
    const values = train(variant.tpFirst === true ? meshes.tpFirst : meshes.dpFirst, variant, options);
    for (const [name, value] of Object.entries(values)) result[`${JSON.stringify(variant)} ${name}`] = value;
    if (tf.memory().numTensors !== live) throw new Error(`${JSON.stringify(variant)} leaks tensors`);
  }
  return result;
});

function train(
  mesh: Mesh,
  variant: Variant,
  { steps, optimizer: kind }: DataParallelTwinOptions,
): NamedValues {
  const { stage, bucketBytes = 4000, initializeFirst = false, microBatches = [BATCH] } = variant;
  const model = parallelGPT({ mesh, axis: "tp", ...SIZES });
  if (initializeFirst) initialize(model, { seed: 3 });
  const training = new DataParallel(model, { mesh, axis: "dp", stage, bucketBytes });
  initialize(model, { seed: 3 });
  const optimizer = createOptimizer(training, kind);
  const losses: number[] = [];
  const norms: number[] = [];
  for (let step = 0; step < steps; step++) {
    const lossFns = microBatches.map((count, i) => (): tf.Scalar => {
      const first = microBatches.slice(0, i).reduce((a, b) => a + b, 0);
      const [inputs, targets] = place(tokenBatch(BATCH, step), mesh, first, count);
      const run = (x: tf.Tensor): tf.Tensor => model.apply(x);
      return crossEntropy((variant.recompute === true ? checkpoint(run) : run)(inputs), targets);
    });
    const shares = microBatches.map((count) => count / BATCH);
    const { loss, grads } = training.gradients(lossFns.length === 1 ? lossFns[0]! : lossFns, { shares });
    const clipped = clipGradNorm(grads, 0.5);
    training.step(optimizer, clipped.grads);
    losses.push(loss.dataSync()[0]!);
    norms.push(clipped.norm.dataSync()[0]!);
    tf.dispose([loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
  }
  const parameters = [...training.parameters].map(([name, { variable }]): [string, tf.Tensor] => [
    name,
    variable,
  ]);
  const values = collectValues(Object.fromEntries(parameters));
  optimizer.dispose();
  for (const parameter of training.parameters.values()) parameter.dispose();
  return {
    losses: { shape: [steps], values: Float32Array.from(losses) },
    norms: { shape: [steps], values: Float32Array.from(norms) },
    ...values,
  };
}

function createOptimizer(
  { parameters, createState }: DataParallel<{ readonly dp: number; readonly tp: number }>,
  kind: "AdamW" | "SGD",
): AdamW | SGD {
  const settings = { weightDecay: 0.1, groups: [noDecayForVectors], createState };
  return kind === "AdamW"
    ? new AdamW(parameters, { ...settings, learningRate: 1e-2 })
    : new SGD(parameters, { ...settings, learningRate: 0.1, momentum: 0.9, nesterov: true });
}

function place(
  batch: readonly [tf.Tensor, tf.Tensor],
  mesh: Mesh,
  first: number,
  count: number,
): [tf.Tensor, tf.Tensor] {
  const [inputs, targets] = batch.map((t) =>
    shard(tf.slice(t, [first, 0], [count, -1]), mesh, { dp: Shard(0) }),
  );
  return [inputs!, targets!];
}
