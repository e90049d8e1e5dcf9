/**
 * Trains a GPT or Llama with experts for a few steps, and returns what the dense twin must agree on.
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
  type Llama,
} from "@meshwright/core";
import {
  collectValues,
  createMesh,
  DataParallel,
  shard,
  Shard,
  type DeviceMesh,
  type MeshAxes,
  type NamedValues,
  type ZeROStage,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import type { ExpertLoadRecord } from "../../src/load/expert-load-record.ts";
import { moeGPT } from "../../src/models/moe-gpt.ts";
import { moeLlama } from "../../src/models/moe-llama.ts";
import type { MoEOptions } from "../../src/models/moe-model-options.ts";
import { finishMoEStep } from "../../src/moe-layers.ts";

/** A model, and how it is trained. */
export interface ModelCase {
  readonly model: "gpt" | "llama";
  readonly moe: MoEOptions;
  readonly stage: ZeROStage;
  readonly sequenceParallel?: boolean;
}

export interface ModelTwinOptions {
  readonly mesh: MeshAxes;
  readonly cases: Readonly<Record<string, ModelCase>>;
}

type Axes = Readonly<Record<"dp" | "ep" | "tp", number>>;

const STEPS = 3;
// Pairwise different sizes; five sequences are 3 + 2 on two ranks, and 2 + 1 + 1 + 1 on the product of two axes.
const SIZES = { vocabSize: 13, contextLength: 7, features: 12, heads: 4, layers: 2, mlpFeatures: 10 };
const BATCH = 5;

export default defineProgram<ModelTwinOptions, unknown, NamedValues>(({ world, options }) => {
  const { dp = 1, ep = 1, tp = 1 } = options.mesh;
  const mesh = createMesh(world, { dp, ep, tp });
  const results: Record<string, NamedValues[string]> = {};
  for (const [name, modelCase] of Object.entries(options.cases)) {
    const before = tf.memory().numTensors;
    Object.assign(results, train(name, modelCase, mesh));
    const leaked = tf.memory().numTensors - before;
    if (leaked !== 0) throw new Error(`${name} leaks ${leaked} tensors`);
  }
  return results;
});

function train(name: string, { stage, ...settings }: ModelCase, mesh: DeviceMesh<Axes>): NamedValues {
  const records: ExpertLoadRecord[] = [];
  const model = build(settings, mesh, (record) => records.push(record));
  const training = new DataParallel(model, { mesh, axis: "dp", stage });
  initialize(model, { seed: 3 });
  const { parameters, createState } = training;
  const optimizer = new AdamW(parameters, {
    ...{ learningRate: 1e-2, weightDecay: 0.1, groups: [noDecayForVectors], createState },
    // Larger than usual: Adam divides a gradient by its own size, and must not blow up one that is only rounding.
    epsilon: 1e-4,
  });
  const facts: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const { loss, grads } = training.gradients(() => {
      const [tokens, labels] = batchOf(step).map((t) => shard(t, mesh, { dp: Shard(0), ep: Shard(0) }));
      return crossEntropy(model.apply(tokens!), labels!);
    });
    // Below the norm, so that it is part of the update.
    const clipped = clipGradNorm(grads, 0.1);
    training.step(optimizer, clipped.grads);
    finishMoEStep(model);
    facts.push(loss.dataSync()[0]!, clipped.norm.dataSync()[0]!);
    tf.dispose([loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
  }
  const named = [...parameters].map(([path, { variable }]) => [`${name} ${path}`, variable] as const);
  const results = {
    [`${name}: losses and norms`]: { shape: [facts.length], values: Float32Array.from(facts) },
    ...loadValues(name, records),
    ...collectValues(Object.fromEntries(named)),
  };
  optimizer.dispose();
  for (const parameter of parameters.values()) parameter.dispose();
  return results;
}

function build(
  { model, moe, sequenceParallel = false }: Omit<ModelCase, "stage">,
  mesh: DeviceMesh<Axes>,
  onLoad: (record: ExpertLoadRecord) => void,
): GPT | Llama {
  const options = {
    ...{ ...SIZES, moe: { ...moe, onLoad } },
    parallel: { mesh, expertAxis: "ep", tensorAxis: "tp", dataAxes: ["dp"], sequenceParallel },
  } as const;
  return model === "gpt" ? moeGPT(options) : moeLlama({ ...options, keyValueHeads: 2, headFeatures: 4 });
}

function loadValues(name: string, records: readonly ExpertLoadRecord[]): NamedValues {
  const values = records.flatMap(({ counts, dropped, tokens }) => [...counts, dropped, tokens]);
  return { [`${name}: load`]: { shape: [values.length], values: Float32Array.from(values) } };
}

/** Tokens and the tokens after them, from a counter: the same on every rank. */
function batchOf(step: number): [tf.Tensor, tf.Tensor] {
  const length = SIZES.contextLength + 1;
  const tokens = Array.from({ length: BATCH * length }, (_, i) => {
    const [word] = philox4x32([i, step, 0, 0], [1, 2]);
    // A skewed distribution: there is something to learn, and experts are uneven.
    return Math.floor(SIZES.vocabSize * (word! / 2 ** 32) ** 2);
  });
  const all = tf.tensor2d(tokens, [BATCH, length], "int32");
  return [tf.slice(all, [0, 0], [-1, length - 1]), tf.slice(all, [0, 1], [-1, length - 1])];
}
