/**
 * Trains a small GPT and returns everything that a dense twin must agree on.
 */
import {
  AdamW,
  clipGradNorm,
  crossEntropy,
  defineProgram,
  GPT,
  gradients,
  initialize,
  namedParameters,
  noDecayForVectors,
  parameterHash,
} from "@meshwright/core";
import {
  collectValues,
  createMesh,
  parallelGPT,
  shard,
  Shard,
  type MeshAxes,
  type NamedValues,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { countedBatch } from "./counted-batch.ts";

/** What to train. `mesh: undefined` runs plain tfjs on the engine, without any sharding. */
export interface GPTTwinOptions {
  readonly mesh: MeshAxes | undefined;
  readonly steps: number;
  readonly dropout?: number;
  /** Return the gradients of the first step. */
  readonly firstGradients?: boolean;
}

// Pairwise different sizes; the batch does not divide by 2 or 4, the hidden features not by 4.
const SIZES = { vocabSize: 13, contextLength: 6, features: 12, heads: 4, layers: 2, mlpFeatures: 18 };
const BATCH = 5;

export default defineProgram<GPTTwinOptions, unknown, NamedValues>(({ world, options }) => {
  const { mesh: axes, steps, dropout = 0 } = options;
  const mesh = axes === undefined ? undefined : createMesh(world, { dp: axes.dp ?? 1, tp: axes.tp ?? 1 });
  const sizes = { ...SIZES, ...(dropout > 0 && { dropout: { rate: dropout, seed: 7 } }) };
  const model = mesh === undefined ? new GPT(sizes) : parallelGPT({ mesh, axis: "tp", ...sizes });
  initialize(model, { seed: 3 });
  const hash = Float32Array.from(Buffer.from(parameterHash(model), "hex"));
  const optimizer = new AdamW(namedParameters(model), {
    learningRate: 1e-2,
    weightDecay: 0.1,
    groups: [noDecayForVectors],
  });
  const place = (t: tf.Tensor): tf.Tensor => (mesh === undefined ? t : shard(t, mesh, { dp: Shard(0) }));
  const losses: number[] = [];
  const result: Record<string, NamedValues[string]> = { initialHash: { shape: [hash.length], values: hash } };
  const collect = (tensors: Record<string, tf.Tensor>): NamedValues =>
    mesh === undefined
      ? Object.fromEntries(
          Object.entries(tensors).map(([name, t]) => [
            name,
            { shape: t.shape, values: t.dataSync<"float32">() },
          ]),
        )
      : collectValues(tensors);
  for (let step = 0; step < steps; step++) {
    const { loss, grads } = gradients(model, () => {
      const batch = countedBatch(step, {
        sequences: BATCH,
        length: SIZES.contextLength,
        vocabSize: SIZES.vocabSize,
      });
      const [inputs, targets] = [place(batch.tokens), place(batch.labels)];
      return crossEntropy(model.apply(inputs), targets);
    });
    if (step === 0 && options.firstGradients === true) {
      const named = Object.fromEntries([...grads].map(([name, g]) => [`gradient of ${name}`, g]));
      Object.assign(result, collect(named));
    }
    const clipped = clipGradNorm(grads, 1);
    optimizer.step(clipped.grads);
    losses.push(loss.dataSync()[0]!);
    if (step === 0) Object.assign(result, collect({ norm: clipped.norm }));
    tf.dispose([loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
  }
  result.losses = { shape: [steps], values: Float32Array.from(losses) };
  const parameters = [...namedParameters(model)].map(([name, { variable }]): [string, tf.Tensor] => [
    name,
    variable,
  ]);
  Object.assign(result, collect(Object.fromEntries(parameters)));
  return result;
});
