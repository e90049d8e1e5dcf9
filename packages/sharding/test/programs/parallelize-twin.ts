/**
 * Trains a dense GPT or Llama that a plan splits, before it has values or after, and returns what a dense twin must agree on.
 */
import {
  AdamW,
  crossEntropy,
  defineProgram,
  GPT,
  gradients,
  initialize,
  Llama,
  namedParameters,
  philox4x32,
  setTraining,
} from "@meshwright/core";
import {
  collectValues,
  createMesh,
  gptPlan,
  llamaPlan,
  parallelize,
  shard,
  Shard,
  type MeshAxes,
  type NamedValues,
  type ParallelPlan,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export interface PlanTwinOptions {
  readonly mesh: MeshAxes;
  readonly kind: "gpt" | "llama";
  /** Whether the model has values when it is split. */
  readonly isInitialized: boolean;
  /** Whether the position embedding is split too, and activations moved. */
  readonly isWide: boolean;
}

// 19 hidden features over 2 and 3 ranks are uneven, and so are 13 words.
const SIZES = { vocabSize: 13, contextLength: 6, features: 12, heads: 6, layers: 2, mlpFeatures: 19 };
const BATCH = 5;
const STEPS = 3;

/** Grouped queries: 6 heads share 2 of keys and values. */
const KEY_VALUE_HEADS = 2;

type Axes = Readonly<Record<"dp" | "tp", number>>;

const WIDE: ParallelPlan<Axes> = {
  "positionEmbedding.weight": { tp: Shard(1) },
  "blocks.*.mlp": { input: { tp: Shard(1) }, output: { tp: Shard(1) } },
  finalNorm: { input: { tp: Shard(1) } },
};

export default defineProgram<PlanTwinOptions, unknown, NamedValues>(({ world, options }) => {
  const mesh = createMesh(world, { dp: options.mesh.dp ?? 1, tp: options.mesh.tp ?? 1 });
  const isLlama = options.kind === "llama";
  const model = isLlama ? new Llama({ ...SIZES, keyValueHeads: KEY_VALUE_HEADS }) : new GPT(SIZES);
  setTraining(model, false);
  const ready = isLlama ? llamaPlan({ axis: "tp" }) : gptPlan({ axis: "tp" });
  const plan = { ...ready, ...(options.isWide && WIDE) };
  if (options.isInitialized) initialize(model, { seed: 3 });
  parallelize(model, { mesh, plan });
  if (!options.isInitialized) initialize(model, { seed: 3 });
  const optimizer = new AdamW(namedParameters(model), { learningRate: 1e-2 });
  const result: Record<string, NamedValues[string]> = {};
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const { loss, grads } = gradients(model, () => {
      const [inputs, targets] = batchOf(step).map((t) => shard(t, mesh, { dp: Shard(0) }));
      return crossEntropy(model.apply(inputs!), targets!);
    });
    if (step === 0) {
      Object.assign(
        result,
        collectValues(Object.fromEntries([...grads].map(([name, g]) => [`gradient of ${name}`, g]))),
      );
    }
    optimizer.step(grads);
    losses.push(loss.dataSync()[0]!);
    tf.dispose([loss, ...grads.values()]);
  }
  result.losses = { shape: [STEPS], values: Float32Array.from(losses) };
  return result;
});

/** Tokens and the tokens after them, from a counter: the same on every rank. */
function batchOf(step: number): [tf.Tensor, tf.Tensor] {
  const length = SIZES.contextLength + 1;
  const tokens = Array.from({ length: BATCH * length }, (_, i) => {
    const [word] = philox4x32([i, step, 0, 0], [1, 2]);
    return Math.floor(SIZES.vocabSize * (word! / 2 ** 32) ** 2);
  });
  const all = tf.tensor2d(tokens, [BATCH, length], "int32");
  return [tf.slice(all, [0, 0], [-1, length - 1]), tf.slice(all, [0, 1], [-1, length - 1])];
}
