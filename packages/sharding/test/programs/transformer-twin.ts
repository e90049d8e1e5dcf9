/**
 * Trains small GPTs and Llamas in several forms and returns everything that the dense models must agree on. On one rank
 * the models are the dense ones.
 */
import {
  AdamW,
  clipGradNorm,
  crossEntropy,
  defineProgram,
  GPT,
  gradients,
  initialize,
  Llama,
  namedParameters,
  parameterHash,
  philox4x32,
} from "@meshwright/core";
import {
  collectValues,
  createMesh,
  parallelGPT,
  parallelLlama,
  shard,
  Shard,
  type DeviceMesh,
  type MeshAxes,
  type NamedValues,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { inScope } from "./in-scope.ts";

/** What to train. */
export interface TransformerTwinOptions {
  readonly mesh: MeshAxes;
  readonly forms: readonly TransformerForm[];
}

/** One form of one model. */
export type TransformerForm = keyof typeof FORMS;

type TwinMesh = DeviceMesh<{ dp: number; tp: number }>;

// 5 positions give 3, 2 on 2 ranks, 2, 2, 1 on 3 and 2, 2, 1, 0 on 4; 13 tokens 7, 6 and 5, 5, 3 and 4, 4, 4, 1; 9
// tokens give 3, 3, 3, 0 on 4. Heads divide by all.
const T = 5;
const BATCH = 3;
const GPT_SIZES = { vocabSize: 13, contextLength: 6, features: 24, heads: 12, layers: 2, mlpFeatures: 17 };
const LLAMA_SIZES = {
  ...{
    vocabSize: 9,
    contextLength: 5,
    features: 10,
    heads: 24,
    keyValueHeads: 12,
    headFeatures: 2,
    layers: 2,
  },
  ...{ mlpFeatures: 11, epsilon: 1e-4, rotary: { theta: 100 } },
};
const DROPOUT = { rate: 0.2, seed: 7 };

const FORMS = {
  gpt: (mesh: TwinMesh | undefined) => gpt(mesh, { sequenceParallel: false }),
  gptTied: (mesh: TwinMesh | undefined) => gpt(mesh, { sequenceParallel: false, tiedEmbeddings: true }),
  gptSequence: (mesh: TwinMesh | undefined) =>
    gpt(mesh, { sequenceParallel: true, tiedEmbeddings: true, dropout: DROPOUT }),
  llama: (mesh: TwinMesh | undefined) => llama(mesh, { sequenceParallel: false }),
  llamaSequence: (mesh: TwinMesh | undefined) => llama(mesh, { sequenceParallel: true }),
  llamaTied: (mesh: TwinMesh | undefined) => llama(mesh, { sequenceParallel: true, tiedEmbeddings: true }),
  llamaReplicatedVocab: (mesh: TwinMesh | undefined) =>
    llama(mesh, { sequenceParallel: false, vocabParallel: false }),
};

function gpt(
  mesh: TwinMesh | undefined,
  {
    sequenceParallel,
    ...form
  }: { sequenceParallel: boolean; tiedEmbeddings?: boolean; dropout?: typeof DROPOUT },
): GPT {
  const sizes = { ...GPT_SIZES, ...form };
  return mesh === undefined ? new GPT(sizes) : parallelGPT({ mesh, axis: "tp", sequenceParallel, ...sizes });
}

function llama(
  mesh: TwinMesh | undefined,
  {
    sequenceParallel,
    vocabParallel = true,
    ...form
  }: { sequenceParallel: boolean; vocabParallel?: boolean; tiedEmbeddings?: boolean },
): Llama {
  const sizes = { ...LLAMA_SIZES, ...form };
  return mesh === undefined
    ? new Llama(sizes)
    : parallelLlama({ mesh, axis: "tp", sequenceParallel, vocabParallel, ...sizes });
}

/** Smoothing, z-term and ignored tokens: all that a split vocabulary can get wrong. */
const LOSS = { labelSmoothing: 0.1, zLoss: 1e-3, ignoreIndex: -100 };
const STEPS = 20;
const WEIGHTS_AFTER = 5;
/** Larger than usual: Adam divides a gradient by its own size, and must not blow up one that is only rounding. */
const EPSILON = 1e-4;

export default defineProgram<TransformerTwinOptions, unknown, NamedValues>(({ world, options }) => {
  const mesh = createMesh(world, { dp: options.mesh.dp ?? 1, tp: options.mesh.tp ?? 1 });
  const results: Record<string, NamedValues[string]> = {};
  for (const form of options.forms) {
    const before = tf.memory().numTensors;
    const model = FORMS[form](world.size === 1 ? undefined : mesh);
    const values = train(model, mesh);
    for (const [name, value] of Object.entries(values)) results[`${form} ${name}`] = value;
    for (const { variable } of namedParameters(model).values()) variable.dispose();
    const leaked = tf.memory().numTensors - before;
    results[`${form} leaked tensors`] = { shape: [1], values: Float32Array.of(leaked) };
  }
  return results;
});

function train(model: GPT | Llama, mesh: TwinMesh): NamedValues {
  initialize(model, { seed: 3 });
  const hash = Float32Array.from(Buffer.from(parameterHash(model), "hex"));
  const parameters = namedParameters(model);
  const optimizer = new AdamW(parameters, { learningRate: 1e-2, weightDecay: 0.1, epsilon: EPSILON });
  const vocabSize = parameters.get("tokenEmbedding.weight")!.shape[0]!;
  const result: Record<string, NamedValues[string]> = { hash: { shape: [hash.length], values: hash } };
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const [tokens, labels] = batchOf(step, vocabSize).map((t) => shard(t, mesh, { dp: Shard(0) }));
    if (step === 0)
      Object.assign(
        result,
        inScope(() => collectValues({ logits: model.apply(tokens!) })),
      );
    const { loss, grads } = gradients(model, () => crossEntropy(model.apply(tokens!), labels!, LOSS));
    if (step === 0) {
      Object.assign(result, collectValues(prefixed("gradient of ", grads)));
    }
    const clipped = clipGradNorm(grads, 1);
    optimizer.step(clipped.grads);
    losses.push(loss.dataSync()[0]!);
    if (step + 1 === WEIGHTS_AFTER) {
      const variables = [...parameters].map(([name, { variable }]) => [name, variable] as const);
      Object.assign(result, collectValues(prefixed("weight ", variables)));
    }
    tf.dispose([tokens!, labels!, loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
  }
  optimizer.dispose();
  result.losses = { shape: [STEPS], values: Float32Array.from(losses) };
  return result;
}

function prefixed(
  prefix: string,
  tensors: Iterable<readonly [string, tf.Tensor]>,
): Record<string, tf.Tensor> {
  return Object.fromEntries([...tensors].map(([name, tensor]) => [`${prefix}${name}`, tensor]));
}

/** Tokens and the tokens after them, from a counter; the labels of some positions are ignored. */
function batchOf(step: number, vocabSize: number): [tf.Tensor, tf.Tensor] {
  return tf.tidy(() => {
    const tokens = Array.from({ length: BATCH * (T + 1) }, (_, i) => {
      const [word] = philox4x32([i, step, 0, 0], [1, 2]);
      // A skewed distribution: there is something to learn.
      return Math.floor(vocabSize * (word! / 2 ** 32) ** 2);
    });
    const all = tf.tensor2d(tokens, [BATCH, T + 1], "int32");
    const isIgnored = tf.tensor2d(
      tokens.map((_, i) => i % 4 === 3),
      [BATCH, T + 1],
      "bool",
    );
    const labels = tf.where(isIgnored, tf.fill([BATCH, T + 1], LOSS.ignoreIndex, "int32"), all);
    return [tf.slice(all, [0, 0], [-1, T]), tf.slice(labels, [0, 1], [-1, T])];
  });
}
