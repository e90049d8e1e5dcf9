/**
 * Where a placed tf.layers model and its optimizer hold what, what a step communicates, and what is left over.
 */
import { ContractError, defineProgram, type LedgerTotal, type World } from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  dataParallelOptimizer,
  draw,
  formatPlacement,
  parallelizeLayers,
  placementsOf,
  replicatedKernels,
  Replicate,
  Shard,
  type MeshAxes,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { inScope } from "./in-scope.ts";
import { createData, createModel, lossOf, PLAN } from "./layers-model-parts.ts";

export interface LayersModelFacts {
  readonly table: string;
  /** Placements along dp and tp, by name. */
  readonly weights: Readonly<Record<string, string>>;
  /** Adam's two moments per weight. */
  readonly slots: Readonly<Record<string, string>>;
  /** What a step communicates: with gradients reduced one by one, and in buckets. */
  readonly singly: readonly LedgerTotal[];
  readonly bucketed: readonly LedgerTotal[];
  /** Live tensors after each of the last steps, minus those after the first. */
  readonly growth: readonly number[];
  readonly replicated: readonly string[];
  /** What two linear dense layers communicate, the second split by rows, and the greatest difference from one rank. */
  readonly rows: { readonly totals: readonly LedgerTotal[]; readonly difference: number };
  readonly refusals: readonly string[];
}

export default defineProgram<{ readonly mesh: MeshAxes }, unknown, LayersModelFacts>(
  async ({ world, options }) => {
    const mesh = createMesh(world, { dp: options.mesh.dp!, tp: options.mesh.tp! });
    const { x, y } = createData();
    const train = (reduced: boolean) => {
      const model = createModel();
      const summary = parallelizeLayers(model, { mesh, plan: PLAN, batch: { dp: Shard(0) } });
      const adam = tf.train.adam(0.01);
      const optimizer = reduced ? dataParallelOptimizer(adam, { mesh, axis: "dp" }) : adam;
      const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
      const step = () => {
        tf.tidy(() => optimizer.minimize(() => lossOf(model, x, y), true, variables)!.dataSync());
      };
      step();
      const live = tf.memory().numTensors;
      const { totals } = countCommunication(world, step);
      const growth = [1, 2].map(() => {
        step();
        return tf.memory().numTensors - live;
      });
      return { model, summary, optimizer, totals, growth };
    };
    const { totals: singly } = train(false);
    const { model, summary, optimizer, totals: bucketed, growth } = train(true);
    const slots = (await optimizer.getWeights()).slice(1);
    const text = (t: tf.Tensor): string => Object.values(placementsOf(t)).map(formatPlacement).join(" ");
    return {
      table: draw(summary),
      weights: Object.fromEntries(model.weights.map((weight) => [weight.originalName, text(weight.read())])),
      slots: Object.fromEntries(
        slots.map(({ name, tensor }) => [name.replace(/_\d+(?=\/[mv]$)/, ""), text(tensor)]),
      ),
      ...{ singly, bucketed, growth },
      rows: splitByRows(world),
      replicated: replicatedKernels().map(({ kernel }) => kernel),
      refusals: [
        refusal(() =>
          parallelizeLayers(model, {
            mesh,
            plan: { "conv3.kernel": { tp: Shard(3) }, "conv1.bias": { tp: Shard(1) } },
          }),
        ),
        refusal(() =>
          parallelizeLayers(tf.sequential({ name: "unbuilt" }), { mesh, plan: { "**": Replicate() } }),
        ),
        refusal(() =>
          parallelizeLayers(model, {
            mesh,
            plan: { "**": Replicate(), conv1: { divisible: { filters: "tp", strides: "tp" } } },
          }),
        ),
      ],
    };
  },
);

/** Linear activations: tfjs computes such a layer as one kernel, bias included. */
function splitByRows(world: World): LayersModelFacts["rows"] {
  const model = (): tf.LayersModel => {
    const seeded = (seed: number) => ({
      kernelInitializer: tf.initializers.heNormal({ seed }),
      biasInitializer: tf.initializers.randomNormal({ seed: seed + 10 }),
    });
    const { dense } = tf.layers;
    const up = dense({ name: "up", units: 6, inputShape: [7], ...seeded(1) });
    return tf.sequential({ layers: [up, dense({ name: "down", units: 3, ...seeded(2) })] });
  };
  const split = model();
  parallelizeLayers(split, {
    mesh: createMesh(world, { tp: 2, dp: world.size / 2 }),
    plan: {
      "up.kernel": { tp: Shard(1) },
      "up.bias": { tp: Shard(0) },
      "down.kernel": { tp: Shard(0) },
      "down.bias": Replicate(),
    },
  });
  return inScope(() => {
    const x = tf.randomNormal([5, 7], 0, 1, "float32", 3);
    const { result, totals } = countCommunication(world, () => (split.apply(x) as tf.Tensor).dataSync());
    const expected = (model().apply(x) as tf.Tensor).dataSync();
    return { totals, difference: Math.max(...expected.map((y, i) => Math.abs(y - result[i]!))) };
  });
}

function refusal(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof ContractError) return error.message;
    throw error;
  }
  return "accepted";
}
