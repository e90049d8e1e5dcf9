/**
 * Trains a small GPT or Llama on any mesh, and returns what the dense twin must agree on and what one step communicates.
 */
import {
  AdamW,
  clipGradNorm,
  crossEntropy,
  defineProgram,
  initialize,
  noDecayForVectors,
  philox4x32,
  type GPT,
  type LedgerEntry,
  type LedgerTotal,
  type Llama,
} from "@meshwright/core";
import {
  collectValues,
  contextParallelAttention,
  contextParallelBatch,
  countCommunication,
  createMesh,
  DataParallel,
  parallelGPT,
  parallelLlama,
  type DeviceMesh,
  type NamedValues,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import {
  BATCH,
  GPT_SIZES,
  LLAMA_SIZES,
  POSITIONS,
  type ModelName,
  type Setting,
  type TrainingMesh,
} from "../models-on-meshes/settings.ts";

/** What to train, and how. */
export interface TrainOptions {
  readonly model: ModelName;
  readonly setting: Setting;
  readonly steps: number;
}

/** What one rank saw. */
export interface TrainFacts {
  /** Losses, and the weights after the last step. */
  readonly values: NamedValues;
  /** Of the last step: forward, backward, reduction, clipping, update, and reading the loss. */
  readonly totals: readonly LedgerTotal[];
  readonly entries: readonly LedgerEntry[];
  /** Tensors that the training left behind. */
  readonly leaked: number;
}

export default defineProgram<TrainOptions, unknown, TrainFacts>(({ world, options }) => {
  const mesh = createMesh(world, { ...options.setting.mesh });
  const before = tf.memory().numTensors;
  const model = build(mesh, options);
  const training = new DataParallel(model, { mesh, axis: "dp", stage: options.setting.stage });
  initialize(model, { seed: 3 });
  const { parameters, createState } = training;
  const optimizer = new AdamW(parameters, {
    ...{ learningRate: 1e-2, weightDecay: 0.1, groups: [noDecayForVectors], createState },
    // Larger than usual: Adam divides a gradient by its own size, and must not blow up one that is only rounding.
    epsilon: 1e-4,
  });
  const step = (index: number): number => trainOnce({ model, mesh, training, optimizer, index });
  const losses = Array.from({ length: options.steps - 1 }, (_, index) => step(index));
  const last = countCommunication(world, () => step(options.steps - 1));
  losses.push(last.result);
  const weights = collectValues(
    Object.fromEntries([...parameters].map(([name, { variable }]) => [`weight ${name}`, variable])),
  );
  optimizer.dispose();
  for (const parameter of parameters.values()) parameter.dispose();
  return {
    values: { losses: { shape: [losses.length], values: Float32Array.from(losses) }, ...weights },
    totals: last.totals,
    entries: last.entries,
    leaked: tf.memory().numTensors - before,
  };
});

function build(mesh: DeviceMesh<TrainingMesh>, { model, setting }: TrainOptions): GPT | Llama {
  const { sequenceParallel } = setting;
  const split = {
    ...{ mesh, axis: "tp", sequenceParallel },
    ...(mesh.sizeOf("cp") > 1 && { parts: { attend: contextParallelAttention({ mesh, axis: "cp" }) } }),
  } as const;
  return model === "gpt"
    ? parallelGPT({ ...GPT_SIZES, ...split })
    : parallelLlama({ ...LLAMA_SIZES, ...split });
}

function trainOnce(run: {
  readonly model: GPT | Llama;
  readonly mesh: DeviceMesh<TrainingMesh>;
  readonly training: DataParallel<TrainingMesh>;
  readonly optimizer: AdamW;
  readonly index: number;
}): number {
  const { model, mesh, training, optimizer, index } = run;
  const { loss, grads } = training.gradients(() => {
    const { tokens, labels, positions } = contextParallelBatch(batchOf(index), {
      ...{ mesh, axis: "cp", batchAxis: "dp" },
    });
    return crossEntropy(model.apply(tokens, mesh.sizeOf("cp") > 1 ? positions : undefined), labels);
  });
  const clipped = clipGradNorm(grads, 1);
  training.step(optimizer, clipped.grads);
  const [value] = loss.dataSync();
  tf.dispose([loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
  return value!;
}

/** Tokens and the tokens after them, from a counter: the same on every rank. */
function batchOf(index: number): { readonly tokens: tf.Tensor; readonly labels: tf.Tensor } {
  const length = POSITIONS + 1;
  const words = Array.from({ length: BATCH * length }, (_, i) => {
    const [word] = philox4x32([i, index, 0, 0], [1, 2]);
    // A skewed distribution: there is something to learn.
    return Math.floor(GPT_SIZES.vocabSize * (word! / 2 ** 32) ** 2);
  });
  const all = tf.tensor2d(words, [BATCH, length], "int32");
  return { tokens: tf.slice(all, [0, 0], [-1, POSITIONS]), labels: tf.slice(all, [0, 1], [-1, POSITIONS]) };
}
