/**
 * Trains a small GPT with dropout, saves, loads and goes on.
 */
import { join } from "node:path";
import {
  AdamW,
  clipGradNorm,
  crossEntropy,
  defineProgram,
  gradients,
  initialize,
  namedParameters,
  noDecayForVectors,
  parameterHash,
  SGD,
  type GPT,
} from "@meshwright/core";
import {
  createMesh,
  DataParallel,
  loadCheckpoint,
  localBytes,
  parallelGPT,
  saveCheckpoint,
  shard,
  Shard,
  type DeviceMesh,
  type LoadedCheckpoint,
  type Optimizer,
  type ZeROStage,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { countedBatch } from "./counted-batch.ts";

/** What to do: load, train, save. */
export interface CheckpointRun {
  readonly mesh: { readonly dp?: number; readonly tp?: number };
  readonly dir: string;
  readonly optimizer?: "adamw" | "sgd";
  readonly load?: boolean;
  /** What is split over dp; default: nothing, and no `DataParallel`. */
  readonly zeroStage?: ZeROStage;
  /** Fill the model before loading; else loading fills it. */
  readonly initialize?: boolean;
  readonly steps: number;
  readonly save?: "now" | "async";
}

/** What came of it. */
export interface CheckpointOutcome {
  readonly losses: readonly number[];
  readonly hash: string;
  /** After loading. */
  readonly loadedHash: string | undefined;
  readonly loaded: LoadedCheckpoint | undefined;
  /** A draw of tfjs after the last step. */
  readonly draw: number;
  readonly bytesWritten: number;
  /** Bytes that this rank holds of parameters and optimizer. */
  readonly bytesHeld: number;
  /** Growth of live tensors through loading and saving. */
  readonly leaked: number;
}

// Pairwise different sizes; the batch does not divide by 2, the hidden features not by 4.
const SIZES = { vocabSize: 13, contextLength: 6, features: 12, heads: 4, layers: 2, mlpFeatures: 18 };
const BATCH = 5;

export default defineProgram<CheckpointRun, unknown, CheckpointOutcome>(async ({ world, options }) => {
  const mesh = createMesh(world, { dp: options.mesh.dp ?? 1, tp: options.mesh.tp ?? 1 });
  const model = parallelGPT({ mesh, axis: "tp", ...SIZES, dropout: { rate: 0.2, seed: 7 } });
  const { zeroStage: stage } = options;
  const training = stage === undefined ? undefined : new DataParallel(model, { mesh, axis: "dp", stage });
  // A resumed run starts from other values and draws, which loading must replace.
  if (options.initialize !== false) initialize(model, { seed: options.load === true ? 4 : 3 });
  let loaded: LoadedCheckpoint | undefined;
  if (options.initialize === false) loaded = await loadCheckpoint(options.dir, { model }, { mesh });
  const parameters = namedParameters(model);
  const optimizer =
    options.optimizer === "sgd"
      ? new SGD(parameters, { learningRate: 1e-2, momentum: 0.9 })
      : new AdamW(parameters, {
          ...{ learningRate: 1e-2, weightDecay: 0.1, groups: [noDecayForVectors] },
          ...(training && { createState: training.createState }),
        });
  const before = tf.memory().numTensors;
  if (options.load === true)
    loaded = await loadCheckpoint(options.dir, { model, optimizer, config: SIZES }, { mesh });
  const loadedHash = loaded === undefined ? undefined : parameterHash(model);
  const first = loaded?.step ?? 0;
  const losses: number[] = [];
  for (let step = first; step < first + options.steps; step++)
    losses.push(trainStep({ model, optimizer, mesh, training }, step));
  const last = first + options.steps;
  const state = {
    model,
    optimizer,
    step: last,
    dataPosition: { next: last },
    extra: ["note"],
    config: SIZES,
  };
  let bytesWritten = 0;
  if (options.save === "now") ({ bytesWritten } = await saveCheckpoint(options.dir, state, { mesh }));
  if (options.save === "async") {
    const saving = await saveCheckpoint(options.dir, state, { mesh, async: true });
    // The training goes on while the copy is written.
    for (let step = last; step < last + 2; step++) trainStep({ model, optimizer, mesh, training }, step);
    const { folder, ...saved } = await saving.finished();
    if (folder !== join(options.dir, `step-${String(last).padStart(8, "0")}`)) throw new Error(folder);
    bytesWritten = saved.bytesWritten;
  }
  const leaked = tf.memory().numTensors - before;
  const draw = tf.tidy(() => tf.randomUniform([1]).dataSync()[0]!);
  const variables = [...parameters.values()].map(({ variable }) => variable);
  const moments =
    optimizer instanceof SGD
      ? [...optimizer.velocities.values()]
      : [...optimizer.states.values()].flatMap(({ m, v }) => [m, v]);
  const bytesHeld = localBytes([...variables, ...moments]);
  return { losses, hash: parameterHash(model), loadedHash, loaded, draw, bytesWritten, bytesHeld, leaked };
});

function trainStep(
  parts: {
    readonly model: GPT;
    readonly optimizer: Optimizer;
    readonly mesh: DeviceMesh<{ dp: number; tp: number }>;
    readonly training: DataParallel<{ dp: number; tp: number }> | undefined;
  },
  step: number,
): number {
  const { model, optimizer, mesh, training } = parts;
  const lossFn = (): tf.Scalar => {
    const batch = countedBatch(step, {
      sequences: BATCH,
      length: SIZES.contextLength,
      vocabSize: SIZES.vocabSize,
    });
    const [inputs, targets] = [batch.tokens, batch.labels].map((t) => shard(t, mesh, { dp: Shard(0) }));
    // Noise drawn by tfjs: its seed comes from the rank's Math.random.
    const noise = tf.sum<tf.Scalar>(tf.randomNormal([3]));
    return tf.add<tf.Scalar>(crossEntropy(model.apply(inputs!), targets!), tf.mul(noise, 1e-3));
  };
  const { loss, grads } = training?.gradients(lossFn) ?? gradients(model, lossFn);
  const clipped = clipGradNorm(grads, 1);
  if (training === undefined) optimizer.step(clipped.grads);
  else training.step(optimizer, clipped.grads);
  const value = loss.dataSync()[0]!;
  tf.dispose([loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
  return value;
}
