/**
 * Trains a GPT data-parallel for some steps, and returns what one step communicates and what this rank holds.
 */
import {
  AdamW,
  clipGradNorm,
  crossEntropy,
  defineProgram,
  GPT,
  initialize,
  timeCollectives,
  type GPTOptions,
  type LedgerEntry,
  type LedgerTotal,
} from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  DataParallel,
  liveBytes,
  localBytes,
  shard,
  Shard,
  type ZeROStage,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export interface ZeROStepOptions {
  readonly stage: ZeROStage;
  readonly sizes: GPTOptions;
  readonly rows: number;
  readonly bucketBytes?: number;
  readonly steps: number;
  /** The same batch so many times, as micro-batches. Default 1. */
  readonly microBatches?: number;
}

export interface ZeROStepFacts {
  /** Global shapes. */
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  /** Of the last step: forward and backward, clipping, update. */
  readonly gradients: readonly LedgerTotal[];
  readonly gradientEntries: readonly LedgerEntry[];
  readonly clip: readonly LedgerTotal[];
  readonly update: readonly LedgerTotal[];
  readonly updateEntries: readonly LedgerEntry[];
  readonly bytes: {
    readonly parameters: number;
    readonly gradients: number;
    readonly optimizer: number;
    /** Most bytes on this rank whenever it communicated in the forward and backward pass. */
    readonly peak: number;
    /** Between steps, and after the last. */
    readonly live: readonly number[];
  };
  readonly numTensors: readonly number[];
  readonly loss: number;
}

export default defineProgram<ZeROStepOptions, unknown, ZeROStepFacts>((context) => {
  const { stage, sizes, rows, bucketBytes, steps, microBatches = 1 } = context.options;
  let isWatched = false;
  let peak = 0;
  const world = timeCollectives(context.world, () => {
    if (isWatched) peak = Math.max(peak, liveBytes());
  });
  const mesh = createMesh(world, { dp: world.size });
  const model = new GPT(sizes);
  const training = new DataParallel(model, {
    ...{ mesh, axis: "dp", stage },
    ...(bucketBytes !== undefined && { bucketBytes }),
  });
  initialize(model, { seed: 1 });
  const { parameters, createState } = training;
  const optimizer = new AdamW(parameters, { learningRate: 1e-3, createState });
  const tokens = tf.tidy(() => {
    const values = Array.from({ length: rows * sizes.contextLength }, (_, i) => (i * i) % sizes.vocabSize);
    const whole = tf.tensor2d(values, [rows, sizes.contextLength], "int32");
    return shard(whole, mesh, { dp: Shard(0) });
  });
  const lossFn = (): tf.Scalar => crossEntropy(model.apply(tokens), tokens);
  const live: number[] = [];
  const numTensors: number[] = [];
  let facts: Omit<ZeROStepFacts, "parameters" | "bytes" | "numTensors"> | undefined;
  let bytes = { parameters: 0, gradients: 0, optimizer: 0 };
  for (let step = 0; step < steps; step++) {
    const lossFns = microBatches === 1 ? lossFn : Array.from({ length: microBatches }, () => lossFn);
    isWatched = true;
    const backward = countCommunication(world, () => training.gradients(lossFns));
    isWatched = false;
    const { loss, grads } = backward.result;
    const clip = countCommunication(world, () => clipGradNorm(grads, 1));
    const update = countCommunication(world, () => {
      training.step(optimizer, clip.result.grads);
    });
    bytes = {
      parameters: localBytes([...parameters.values()].map(({ variable }) => variable)),
      gradients: localBytes(grads.values()),
      optimizer: localBytes([...optimizer.states.values()].flatMap(({ m, v }) => [m, v])),
    };
    facts = {
      gradients: backward.totals,
      gradientEntries: backward.entries,
      clip: clip.totals,
      update: update.totals,
      updateEntries: update.entries,
      loss: loss.dataSync()[0]!,
    };
    tf.dispose([loss, clip.result.norm, ...grads.values(), ...clip.result.grads.values()]);
    live.push(liveBytes());
    numTensors.push(tf.memory().numTensors);
  }
  const shapes = Object.fromEntries([...parameters].map(([name, { shape }]) => [name, shape]));
  optimizer.dispose();
  for (const parameter of parameters.values()) parameter.dispose();
  tokens.dispose();
  return { ...facts!, parameters: shapes, bytes: { ...bytes, peak, live }, numTensors };
});
