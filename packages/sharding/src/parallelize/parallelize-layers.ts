/**
 * `parallelizeLayers`: splits an unmodified `tf.layers` model by a plan.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { dispose, tidy, type LayersModel } from "@tensorflow/tfjs";
import type { DeviceMesh, MeshAxes } from "../mesh.ts";
import type { PlacementSpec } from "../placement-spec.ts";
import type { ParallelPlan } from "./plan.ts";
import { resolvePlan, type PlacedParameter } from "./resolve-plan.ts";
import type { ParallelSummary } from "./summary.ts";
import { place } from "./wrap-apply.ts";
import { unwrapCall, wrapCall } from "./wrap-call.ts";

/** A mesh, what goes where on it, and how batches are split. */
export interface ParallelizeLayersOptions<Axes extends MeshAxes = MeshAxes> {
  readonly mesh: DeviceMesh<Axes>;
  /** Patterns of weight names (`dense1.kernel`) and of layer names (`dense1`), which move activations. */
  readonly plan: ParallelPlan<NoInfer<Axes>>;
  /** Where the inputs of the model are moved, for example `{ dp: Shard(0) }`. Default: they stay where they are. */
  readonly batch?: PlacementSpec<NoInfer<Axes>>;
}

type Layer = LayersModel["layers"][number];
type Weight = LayersModel["weights"][number];

/**
 * Places the weights of `model`; its layers, `predict`, `fit`, `tf.variableGrads` and `tf.train` optimizers work on.
 *
 * A weight is named after its layer: `conv1.kernel`, `conv1.bias`, `norm1.moving_mean`. Give layers names, because tfjs'
 * own count on from model to model. Every rank calls it, with a model that has the same weights on every rank (seeds, or
 * tfjs' own draws, which are the same on all ranks). It may be compiled before or after; optimizers that have taken a step
 * must be made anew.
 *
 * Communication: none, as each rank keeps its part of what it holds. Afterwards gradients lie as their weights do, after
 * one all-reduce along the axes that split the batch; optimizer slots too.
 *
 * @example
 * ```ts
 * const plan = { "dense1.kernel": { tp: Shard(1) }, "dense1.bias": { tp: Shard(0) }, "**": Replicate() };
 * parallelizeLayers(model, { mesh, plan, batch: { dp: Shard(0) } });
 * await model.fit(x, y, { batchSize: 64, yieldEvery: "never" });
 * ```
 * @returns what was decided, for `draw`
 * @throws ContractError if the model has no weights yet, and as `parallelize`.
 */
export function parallelizeLayers<Axes extends MeshAxes>(
  model: LayersModel,
  { mesh, plan, batch }: ParallelizeLayersOptions<Axes>,
): ParallelSummary {
  const layers = new Map(model.layers.map((layer): [string, Layer] => [layer.name, layer]));
  const weights = namedWeights(model);
  if (weights.size === 0) {
    throw new ContractError(
      `parallelizeLayers: model "${model.name}" (0 weights) must be built; give its first layer an inputShape, or call model.build.`,
    );
  }
  const { parameters, modules } = resolvePlan(plan, {
    where: "parallelizeLayers",
    mesh,
    parameters: [...weights].map(([name, weight]) => ({ name, shape: shapeOf(weight) })),
    modules: layers,
  });
  for (const parameter of parameters) placeWeight(weights.get(parameter.name)!, parameter, mesh);
  for (const layer of layers.values()) unwrapCall(layer);
  const moved = new Map(modules.map(({ path, input, output }) => [path, { input, output }]));
  for (const [name, layer] of layers) {
    const input = { ...(readsModelInput(layer) && batch), ...moved.get(name)?.input };
    wrapCall(layer, mesh, { input, output: moved.get(name)?.output ?? {} });
  }
  return { mesh, parameters };
}

/** Weights by dotted name, `layer.weight`; where two share it, the later one has tfjs' unique name. */
function namedWeights(model: LayersModel): ReadonlyMap<string, Weight> {
  const weights = new Map<string, Weight>();
  for (const weight of model.weights) {
    const name = dotted(weight.originalName);
    weights.set(weights.has(name) ? dotted(weight.name) : name, weight);
  }
  return weights;
}

function dotted(name: string): string {
  return name.replaceAll("/", ".");
}

function shapeOf(weight: Weight): number[] {
  return weight.read().shape;
}

function placeWeight(weight: Weight, { placements }: PlacedParameter, mesh: DeviceMesh): void {
  const spec: PlacementSpec = Object.fromEntries(mesh.axisNames.map((axis, i) => [axis, placements[i]!]));
  const placed = tidy(() => place(weight.read(), mesh, spec));
  weight.write(placed);
  dispose(placed);
}

function readsModelInput(layer: Layer): boolean {
  return layer.inboundNodes.some(({ inboundLayers }) =>
    inboundLayers.some((inbound) => inbound.getClassName() === "InputLayer"),
  );
}
