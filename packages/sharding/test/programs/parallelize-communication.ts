/**
 * Counts what a GPT communicates that a plan split, what the one made of parallel layers does, and where both hold what.
 */
import {
  crossEntropy,
  defineProgram,
  GPT,
  gradients,
  initialize,
  Llama,
  namedParameters,
  parameterHash,
  type LedgerEntry,
  type LedgerTotal,
} from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  describe,
  draw,
  gptPlan,
  llamaPlan,
  localBytes,
  parallelGPT,
  parallelize,
  parallelLlama,
  Replicate,
  Shard,
  type MeshAxes,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

interface Seen {
  readonly entries: readonly LedgerEntry[];
  readonly totals: readonly LedgerTotal[];
  readonly parameters: readonly string[];
  readonly hash: string;
  readonly bytes: number;
}

export interface PlanCommunication {
  readonly planned: Seen;
  readonly layered: Seen;
  /** The same two for a Llama with as many key and value heads as ranks. */
  readonly llama: { readonly planned: Seen; readonly layered: Seen };
  readonly predictedBytes: number;
  readonly table: string;
  /** Re-placing values, and back: what it moved, the tensors more than before, and the hash of the values. */
  readonly moved: {
    readonly totals: readonly LedgerTotal[];
    readonly tensors: number;
    readonly hash: string;
  };
  /** What `apply` with moved activations communicates, and without again. */
  readonly activations: readonly (readonly LedgerTotal[])[];
}

const SIZES = { vocabSize: 13, contextLength: 6, features: 12, heads: 6, layers: 3, mlpFeatures: 20 };

export default defineProgram<
  { readonly mesh: MeshAxes; readonly vocabParallel: boolean },
  unknown,
  PlanCommunication
>(({ world, options }) => {
  const mesh = createMesh(world, { tp: options.mesh.tp! });
  const { vocabParallel } = options;
  const tokens = tf.tensor2d([1, 3, 12, 0, 5, 7, 2, 2, 9, 4], [2, 5], "int32");
  const see = (model: GPT | Llama): Seen => {
    initialize(model, { seed: 5 });
    const { totals, entries } = countCommunication(world, () => {
      tf.tidy(() => gradients(model, () => crossEntropy(model.apply(tokens), tokens)).loss);
    });
    const variables = [...namedParameters(model)].map(([name, { variable }]): [string, tf.Tensor] => [
      name,
      variable,
    ]);
    return {
      entries: entries.map((entry) => ({ ...entry, label: "" })),
      totals,
      parameters: variables.map(([name, variable]) => `${name} ${describe(variable)}`),
      hash: parameterHash(model),
      bytes: localBytes(variables.map(([, variable]) => variable)),
    };
  };
  const model = new GPT(SIZES);
  const summary = parallelize(model, { mesh, plan: gptPlan({ axis: "tp", vocabParallel }) });
  const planned = see(model);
  const layered = see(parallelGPT({ mesh, axis: "tp", vocabParallel, ...SIZES }));
  const sizes = { ...SIZES, keyValueHeads: mesh.sizeOf("tp") };
  const llama = new Llama(sizes);
  parallelize(llama, { mesh, plan: llamaPlan({ axis: "tp", vocabParallel }) });
  const apply = (): readonly LedgerTotal[] =>
    countCommunication(world, () => tf.tidy(() => model.apply(tokens).shape)).totals;
  const before = tf.memory().numTensors;
  const moving = countCommunication(world, () => {
    parallelize(model, { mesh, plan: { "**": Replicate() } });
  });
  const hash = parameterHash(model);
  const tensors = tf.memory().numTensors - before;
  const around = { finalNorm: { output: { tp: Shard(-1) } }, head: { output: { tp: Replicate() } } };
  parallelize(model, { mesh, plan: { "**": Replicate(), ...around } });
  const split = apply();
  parallelize(model, { mesh, plan: { "**": Replicate(), finalNorm: around.finalNorm } });
  const replaced = apply();
  parallelize(model, { mesh, plan: { "**": Replicate() } });
  return {
    planned,
    layered,
    llama: {
      planned: see(llama),
      layered: see(parallelLlama({ mesh, axis: "tp", vocabParallel, ...sizes })),
    },
    predictedBytes: summary.parameters.reduce((sum, { bytesPerRank }) => sum + bytesPerRank[world.rank]!, 0),
    table: draw(summary),
    moved: { totals: moving.totals, tensors, hash },
    activations: [split, replaced, apply()],
  };
});
