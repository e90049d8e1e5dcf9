/**
 * Trains a small GPT or Llama with experts for a few steps: as a pipeline whose stages split their experts, or whole on one rank.
 *
 * @packageDocumentation
 */
import {
  accumulateGradients,
  AdamW,
  clipGradNorm,
  crossEntropy,
  defineProgram,
  initialize,
  namedParameters,
  philox4x32,
  type GPT,
  type Llama,
  type Parameter,
} from "@meshwright/core";
import {
  finishMoEStep,
  moeGPT,
  moeLlama,
  type ExpertLoadRecord,
  type MoEModelParallel,
} from "@meshwright/moe";
import { createPipeline, createSchedule, gptLayers, microBatches } from "@meshwright/pipeline";
import { createMesh, Shard, subMesh, type MeshAxes } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

/** `pp: 1` trains the whole model on one rank. */
export interface ExpertPipelineOptions {
  readonly pp: number;
  readonly ep: number;
  readonly schedule: string;
  readonly model: "gpt" | "llama";
}

/** What a rank knows after the last step. */
export interface ExpertPipelineResult {
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  /** Of the rank's own stage, whole. */
  readonly weights: Readonly<Record<string, Float32Array>>;
  /** Choices per expert and drops of every pass, by layer. */
  readonly loads: Readonly<Record<string, readonly number[]>>;
}

const [STEPS, MICRO_BATCHES, ROWS] = [3, 2, 7];
// Pairwise different sizes; 4 + 3 rows per micro-batch are 2 + 2 and 2 + 1 on two ranks.
const SIZES = { vocabSize: 13, contextLength: 5, features: 8, heads: 2, layers: 4, mlpFeatures: 10 };
const EXPERTS = { numExperts: 4, topK: 2, everyNth: 2, capacity: { factor: 1.2 } };
/** Larger than usual: Adam divides a gradient by its own size, and must not blow up one that is only rounding. */
const OPTIMIZER = { learningRate: 1e-2, epsilon: 1e-4 };

export default defineProgram<ExpertPipelineOptions, unknown, ExpertPipelineResult>(({ world, options }) => {
  const loads: Record<string, number[]> = {};
  const onLoad = ({ layer, counts, dropped }: ExpertLoadRecord): void => {
    (loads[layer] ??= []).push(...counts, dropped);
  };
  const build = <Axes extends MeshAxes>(parallel?: MoEModelParallel<Axes>): GPT | Llama => {
    const moe = { ...EXPERTS, balance: { loss: 0.1, biasRate: 0.01 }, onLoad };
    const sizes = { ...SIZES, moe, ...(parallel && { parallel }) };
    return options.model === "gpt" ? moeGPT(sizes) : moeLlama(sizes);
  };
  if (options.pp === 1) return { ...trainWhole(build()), loads };

  const mesh = createMesh(world, { pp: options.pp, ep: options.ep });
  const model = build({ mesh: subMesh(mesh, { without: "pp" }), expertAxis: "ep" });
  const pipeline = createPipeline({
    ...{ mesh, axis: "pp", layers: gptLayers(model), loss: crossEntropy, placements: { ep: Shard(0) } },
    schedule: createSchedule(options.schedule, { numRanks: options.pp, numMicroBatches: MICRO_BATCHES }),
  });
  pipeline.initialize({ seed: 3 });
  const optimizer = new AdamW(pipeline.parameters, OPTIMIZER);
  const [losses, norms]: [number[], number[]] = [[], []];
  for (let step = 0; step < STEPS; step++) {
    const [tokens, labels] = batchOf(step);
    const { loss, grads } = pipeline.step(tokens, labels);
    const clipped = pipeline.clipGradNorm(grads, 1);
    optimizer.step(clipped.grads);
    finishMoEStep(model);
    losses.push(loss);
    norms.push(clipped.norm);
    tf.dispose([tokens, labels, ...grads.values(), ...clipped.grads.values()]);
  }
  return { losses, norms, loads, weights: valuesOf(pipeline.parameters) };
});

function trainWhole(model: GPT | Llama): Omit<ExpertPipelineResult, "loads"> {
  initialize(model, { seed: 3 });
  const optimizer = new AdamW(namedParameters(model), OPTIMIZER);
  const parts = microBatches(ROWS, MICRO_BATCHES);
  const [losses, norms]: [number[], number[]] = [[], []];
  for (let step = 0; step < STEPS; step++) {
    const [tokens, labels] = batchOf(step);
    const lossFns = parts.map(({ start, rows }) => () => {
      const rowsOf = (t: tf.Tensor): tf.Tensor => tf.slice(t, [start, 0], [rows, -1]);
      return crossEntropy(model.apply(rowsOf(tokens)), rowsOf(labels));
    });
    const { loss, grads } = accumulateGradients(model, lossFns, { shares: parts.map(({ share }) => share) });
    const clipped = clipGradNorm(grads, 1);
    optimizer.step(clipped.grads);
    finishMoEStep(model);
    losses.push(loss.dataSync()[0]!);
    norms.push(clipped.norm.dataSync()[0]!);
    tf.dispose([tokens, labels, loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
  }
  return { losses, norms, weights: valuesOf(namedParameters(model)) };
}

function valuesOf(parameters: ReadonlyMap<string, Parameter>): Record<string, Float32Array> {
  const values = [...parameters].map(([name, { variable }]) => [
    name,
    Float32Array.from(variable.dataSync()),
  ]);
  return Object.fromEntries(values) as Record<string, Float32Array>;
}

/** Tokens and the tokens after them, from a counter: the same on every rank. */
function batchOf(step: number): [tf.Tensor, tf.Tensor] {
  const length = SIZES.contextLength + 1;
  const tokens = Array.from({ length: ROWS * length }, (_, i) => {
    const [word] = philox4x32([i, step, 0, 0], [1, 2]);
    return Math.floor(SIZES.vocabSize * (word! / 2 ** 32) ** 2);
  });
  return tf.tidy(() => {
    const all = tf.tensor2d(tokens, [ROWS, length], "int32");
    return [tf.slice(all, [0, 0], [-1, length - 1]), tf.slice(all, [0, 1], [-1, length - 1])];
  });
}
