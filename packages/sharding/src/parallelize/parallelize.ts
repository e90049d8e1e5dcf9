/**
 * `parallelize`: splits a dense model by a plan.
 *
 * @packageDocumentation
 */
import { namedModules, namedParameters, type Parameter } from "@meshwright/core";
import { tidy } from "@tensorflow/tfjs";
import type { DeviceMesh, MeshAxes } from "../mesh.ts";
import { parameterShard } from "../parameter-shard.ts";
import type { PlacementSpec } from "../placement-spec.ts";
import type { Placement } from "../placement.ts";
import type { ParallelPlan } from "./plan.ts";
import { resolvePlan } from "./resolve-plan.ts";
import type { ParallelSummary } from "./summary.ts";
import { place, unwrapApply, wrapApply } from "./wrap-apply.ts";

/** A mesh and what goes where on it. */
export interface ParallelizeOptions<Axes extends MeshAxes = MeshAxes> {
  readonly mesh: DeviceMesh<Axes>;
  readonly plan: ParallelPlan<NoInfer<Axes>>;
}

/**
 * Places the parameters of `module`, and moves the activations that the plan names; the model's code stays as it is.
 *
 * Called before `initialize`, each rank then draws only its own part. A model that has values keeps them: they are moved
 * (all-gather, all-to-all or nothing per axis), and optimizers must be made afterwards. Every rank calls it. A second plan
 * replaces the first.
 *
 * A plan must name every parameter. All that is wrong with it is reported at once.
 *
 * @example
 * ```ts
 * const model = new GPT({ vocabSize: 11, contextLength: 8, features: 12, heads: 4, layers: 2 });
 * const summary = parallelize(model, { mesh, plan: gptPlan({ axis: "tp" }) });
 * console.log(draw(summary)); // parameter | shape | placement | bytes per rank
 * initialize(model, { seed: 1 });
 * ```
 * @returns what was decided, for `draw`
 * @throws ContractError that lists: patterns that match nothing or are malformed, parameters that no pattern names or two
 * name equally, axes that the mesh has not, dims that a parameter has not, sizes that do not divide.
 * @see PyTorch's `parallelize_module`, https://docs.pytorch.org/docs/stable/distributed.tensor.parallel.html
 */
export function parallelize<Axes extends MeshAxes>(
  module: object,
  { mesh, plan }: ParallelizeOptions<Axes>,
): ParallelSummary {
  const parameters = namedParameters(module);
  const modules = namedModules(module);
  const resolved = resolvePlan(plan, {
    where: "parallelize",
    mesh,
    parameters: [...parameters].map(([name, { shape }]) => ({ name, shape })),
    modules,
  });
  for (const { name, placements } of resolved.parameters) {
    placeParameter(parameters.get(name)!, mesh, placements);
  }
  for (const inner of modules.values()) unwrapApply(inner);
  for (const { path, ...moved } of resolved.modules) {
    wrapApply(modules.get(path)!, mesh, moved);
  }
  return { mesh, parameters: resolved.parameters };
}

function placeParameter(parameter: Parameter, mesh: DeviceMesh, placements: readonly Placement[]): void {
  const isReplicated = placements.every(({ kind }) => kind === "replicate");
  const wasSplit = parameter.shard !== undefined;
  const spec: PlacementSpec = Object.fromEntries(mesh.axisNames.map((axis, i) => [axis, placements[i]!]));
  parameter.shard = isReplicated ? undefined : parameterShard(parameter.shape, mesh, spec);
  if (!parameter.isInitialized || (isReplicated && !wasSplit)) return;
  parameter.assign(tidy(() => place(parameter.variable, mesh, spec)));
}
