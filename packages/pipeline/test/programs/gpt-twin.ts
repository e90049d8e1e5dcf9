/**
 * Trains a small GPT as a pipeline, or whole on one rank, and returns everything that the two must agree on.
 */
import {
  AdamW,
  crossEntropy,
  defineProgram,
  GPT,
  gradients,
  initialize,
  namedParameters,
  parameterHash,
  philox4x32,
  clipGradNorm,
} from "@meshwright/core";
import {
  createPipeline,
  createSchedule,
  gptLayers,
  type CreateScheduleOptions,
  type Pipeline,
} from "@meshwright/pipeline";
import { createMesh, parallelGPT, Shard, subMesh } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

/** A mesh, and what runs on it. */
export interface PipelineCase {
  readonly mesh: { readonly dp?: number; readonly tp?: number; readonly pp: number };
  readonly schedule: Omit<CreateScheduleOptions, "numRanks"> & { readonly name: string };
  /** Costs of the 8 layers. */
  readonly costs?: readonly number[];
}

/** `pipeline: undefined` trains the whole model. */
export interface TwinOptions {
  readonly pipeline: PipelineCase | undefined;
  readonly steps: number;
  readonly rows?: number;
}

/** Values by name; on a pipeline those of the rank's own parameters. */
export interface TwinResult {
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly evaluation: number;
  /** Of the first step. */
  readonly gradients: Readonly<Record<string, Float32Array>>;
  /** After the last step. */
  readonly weights: Readonly<Record<string, Float32Array>>;
  readonly initialHash: string;
  readonly prediction: Float32Array;
  readonly peakLive: number;
  readonly peakBytes: number;
  /** After every step. */
  readonly numTensors: readonly number[];
  /** `kind`, micro-batch and chunk of each action in the order done. */
  readonly actions: readonly string[];
  readonly timesRise: boolean;
  readonly layersPerStage: readonly number[];
}

// Pairwise different sizes; 6 blocks are 8 layers, enough for 4 ranks with 2 chunks each.
const SIZES = { vocabSize: 13, contextLength: 5, features: 8, heads: 2, layers: 6, mlpFeatures: 10 };
/** Uneven in every number of micro-batches but 1 and 11. */
const ROWS = 11;

export default defineProgram<TwinOptions, unknown, TwinResult>(({ world, options }) => {
  const { pipeline: pipelineCase, rows = ROWS } = options;
  if (pipelineCase === undefined) return trainWhole(new GPT(SIZES), options.steps, rows);
  const { dp = 1, tp = 1, pp } = pipelineCase.mesh;
  const mesh = createMesh(world, { dp, pp, tp });
  const stageMesh = subMesh(mesh, { without: "pp" });
  const { name, ...sizes } = pipelineCase.schedule;
  const { costs } = pipelineCase;
  const pipeline = createPipeline({
    ...{ mesh, axis: "pp", loss: crossEntropy, placements: { dp: Shard(0) }, countBytes: true },
    layers: gptLayers(parallelGPT({ mesh: stageMesh, axis: "tp", ...SIZES })),
    schedule: createSchedule(name, { numRanks: pp, ...sizes }),
    ...(costs && { costs }),
  });
  pipeline.initialize({ seed: 3 });
  return trainPipeline(pipeline, options.steps, rows);
});

function trainPipeline(pipeline: Pipeline, steps: number, rows: number): TwinResult {
  const initialHash = pipeline.parameterHash();
  const optimizer = new AdamW(pipeline.parameters, { learningRate: 1e-2 });
  const [losses, norms, numTensors]: number[][] = [[], [], []];
  let first: Pick<TwinResult, "gradients" | "peakLive" | "peakBytes" | "actions" | "timesRise"> | undefined;
  for (let step = 0; step < steps; step++) {
    const [tokens, labels] = batchOf(step, rows);
    const { loss, grads, peakLive, peakBytes, timeline } = pipeline.step(tokens, labels);
    const { events } = timeline;
    first ??= {
      ...{ gradients: valuesOf(grads), peakLive, peakBytes: peakBytes! },
      actions: events.map(({ kind, microBatch, chunk }) => `${kind}${microBatch}.${chunk}`),
      timesRise: events.every(({ start, end }, i) => start <= end && start >= (events[i - 1]?.end ?? 0)),
    };
    const clipped = pipeline.clipGradNorm(grads, 1);
    optimizer.step(clipped.grads);
    losses!.push(loss);
    norms!.push(clipped.norm);
    tf.dispose([tokens, labels, ...grads.values(), ...clipped.grads.values()]);
    numTensors!.push(tf.memory().numTensors);
  }
  const before = tf.memory().numTensors;
  const [tokens, labels] = batchOf(1000, rows);
  const evaluation = pipeline.evaluate(tokens, labels);
  const predicted = pipeline.predict(tokens);
  const prediction = Float32Array.from(predicted.dataSync());
  tf.dispose([tokens, labels, predicted]);
  numTensors!.push(tf.memory().numTensors - before + numTensors!.at(-1)!);
  const weights = new Map([...pipeline.parameters].map(([name, { variable }]) => [name, variable]));
  const layersPerStage = pipeline.stages.map(({ layers }) => layers.length);
  return {
    ...first!,
    ...{ losses: losses!, norms: norms!, evaluation, prediction, numTensors: numTensors!, initialHash },
    ...{ weights: valuesOf(weights), layersPerStage },
  };
}

function trainWhole(model: GPT, steps: number, rows: number): TwinResult {
  initialize(model, { seed: 3 });
  const initialHash = parameterHash(model);
  const optimizer = new AdamW(namedParameters(model), { learningRate: 1e-2 });
  const [losses, norms]: number[][] = [[], []];
  let firstGradients: TwinResult["gradients"] = {};
  for (let step = 0; step < steps; step++) {
    const [tokens, labels] = batchOf(step, rows);
    const { loss, grads } = gradients(model, () => crossEntropy(model.apply(tokens), labels));
    if (step === 0) firstGradients = valuesOf(grads);
    const clipped = clipGradNorm(grads, 1);
    optimizer.step(clipped.grads);
    losses!.push(loss.dataSync()[0]!);
    norms!.push(clipped.norm.dataSync()[0]!);
    tf.dispose([loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
  }
  const [tokens, labels] = batchOf(1000, rows);
  const output = model.apply(tokens);
  const weights = new Map([...namedParameters(model)].map(([name, { variable }]) => [name, variable]));
  return {
    ...{ losses: losses!, norms: norms!, gradients: firstGradients, weights: valuesOf(weights), initialHash },
    evaluation: crossEntropy(output, labels).dataSync()[0]!,
    prediction: Float32Array.from(output.dataSync()),
    ...{ peakLive: 0, peakBytes: 0, numTensors: [], actions: [], timesRise: true, layersPerStage: [] },
  };
}

function valuesOf(tensors: ReadonlyMap<string, tf.Tensor>): Record<string, Float32Array> {
  return Object.fromEntries([...tensors].map(([name, t]) => [name, Float32Array.from(t.dataSync())]));
}

/** Tokens and the tokens after them, from a counter: the same on every rank. */
function batchOf(step: number, rows: number): [tf.Tensor, tf.Tensor] {
  const length = SIZES.contextLength + 1;
  const tokens = Array.from({ length: rows * length }, (_, i) => {
    const [word] = philox4x32([i, step, 0, 0], [1, 2]);
    return Math.floor(SIZES.vocabSize * (word! / 2 ** 32) ** 2);
  });
  return tf.tidy(() => {
    const all = tf.tensor2d(tokens, [rows, length], "int32");
    return [tf.slice(all, [0, 0], [-1, length - 1]), tf.slice(all, [0, 1], [-1, length - 1])];
  });
}
