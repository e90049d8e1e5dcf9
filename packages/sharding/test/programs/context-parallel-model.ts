/**
 * Trains a small GPT and a small Llama with the sequence split over an axis, next to data and tensor parallelism.
 */
import {
  AdamW,
  clipGradNorm,
  crossEntropy,
  defineProgram,
  gradients,
  initialize,
  namedParameters,
  noDecayForVectors,
  type GPT,
  type LedgerTotal,
  type Llama,
} from "@meshwright/core";
import {
  collectValues,
  contextParallelAttention,
  contextParallelBatch,
  countCommunication,
  createMesh,
  parallelGPT,
  parallelLlama,
  type MeshAxes,
  type NamedValues,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { countedBatch } from "./counted-batch.ts";

/** What to train, and for how long. */
export interface ContextParallelOptions {
  readonly mesh: MeshAxes;
  readonly model: "gpt" | "llama";
  readonly steps: number;
}

/** The training, and what one forward and one whole step communicated on this rank. */
export interface ContextParallelResult {
  readonly values: NamedValues;
  readonly forward: readonly LedgerTotal[];
  readonly whole: readonly LedgerTotal[];
}

/** Pairwise different; the batch does not divide by 2, the sequence divides by 8. */
export const SIZES = { vocabSize: 13, contextLength: 16, features: 12, heads: 6, layers: 2, mlpFeatures: 18 };
export const BATCH = 3;
export const KEY_VALUE_HEADS = 2;

export function train(
  { mesh: axes, model: kind, steps }: ContextParallelOptions,
  world: Parameters<typeof createMesh>[0],
): ContextParallelResult {
  const mesh = createMesh(world, { dp: axes.dp ?? 1, cp: axes.cp ?? 1, tp: axes.tp ?? 1 });
  const split = {
    mesh,
    axis: "tp",
    parts: { attend: contextParallelAttention({ mesh, axis: "cp" }) },
  } as const;
  const model: GPT | Llama =
    kind === "gpt"
      ? parallelGPT({ ...SIZES, ...split })
      : parallelLlama({ ...SIZES, ...split, keyValueHeads: KEY_VALUE_HEADS });
  initialize(model, { seed: 3 });
  const optimizer = new AdamW(namedParameters(model), {
    ...{ learningRate: 1e-2, weightDecay: 0.1, groups: [noDecayForVectors] },
  });
  const losses: number[] = [];
  const values: Record<string, NamedValues[string]> = {};
  const lossOf = (step: number): tf.Scalar =>
    tf.tidy(() => {
      const batch = countedBatch(step, {
        sequences: BATCH,
        length: SIZES.contextLength,
        vocabSize: SIZES.vocabSize,
      });
      const { tokens, labels, positions } = contextParallelBatch(batch, {
        mesh,
        axis: "cp",
        batchAxis: "dp",
      });
      return crossEntropy(model.apply(tokens, positions), labels);
    });
  const forward = countCommunication(world, () => {
    lossOf(0).dispose();
  });
  const whole = countCommunication(world, () => gradients(model, () => lossOf(0)));
  tf.dispose([whole.result.loss, ...whole.result.grads.values()]);
  for (let step = 0; step < steps; step++) {
    const { loss, grads } = gradients(model, () => lossOf(step));
    if (step === 0) {
      const named = Object.fromEntries(
        [...grads].map(([name, gradient]) => [`gradient of ${name}`, gradient]),
      );
      Object.assign(values, collectValues(named));
    }
    const clipped = clipGradNorm(grads, 1);
    optimizer.step(clipped.grads);
    losses.push(loss.dataSync()[0]!);
    tf.dispose([loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
  }
  values.losses = { shape: [steps], values: Float32Array.from(losses) };
  return { values, forward: forward.totals, whole: whole.totals };
}

export default defineProgram<ContextParallelOptions, unknown, NamedValues>(
  ({ world, options }) => train(options, world).values,
);
