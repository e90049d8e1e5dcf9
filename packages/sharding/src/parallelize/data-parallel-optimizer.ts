/**
 * Reduces the gradients of a `tf.train` optimizer in buckets.
 *
 * @packageDocumentation
 */
import type { Optimizer, Tensor } from "@tensorflow/tfjs";
import { reduceGradients, type ReduceGradientsOptions } from "../data-parallel/reduce-gradients.ts";
import { axisIndex, type MeshAxes } from "../mesh.ts";

type ApplyGradients = Optimizer["applyGradients"];

/**
 * Gives `optimizer` an `applyGradients` that first reduces all gradients along `axis`, and returns it; `minimize` and
 * `model.fit` use it too.
 *
 * Without it every gradient is reduced where it is first needed, which in `tf.train.adam` are two places: twice the bytes,
 * and two collectives per variable instead of one per bucket.
 *
 * Communication per step: one all-reduce per bucket, 2S(N-1)/N bytes in all, with S the bytes of the gradients on a rank
 * and N the ranks on `axis`.
 *
 * @example
 * ```ts
 * const optimizer = dataParallelOptimizer(tf.train.adam(1e-3), { mesh, axis: "dp" });
 * model.compile({ optimizer, loss: "categoricalCrossentropy" });
 * ```
 * @throws ContractError if the mesh has no such axis ; at the first step, if `bucketBytes` is not positive.
 */
export function dataParallelOptimizer<Axes extends MeshAxes, O extends Optimizer>(
  optimizer: O,
  options: ReduceGradientsOptions<Axes>,
): O {
  axisIndex(options.mesh, options.axis, "dataParallelOptimizer");
  const own = optimizer.applyGradients.bind(optimizer);
  const applyGradients: ApplyGradients = (gradients) => {
    reduceGradients(byName(gradients), options);
    own(gradients);
  };
  Object.defineProperty(optimizer, "applyGradients", {
    value: applyGradients,
    configurable: true,
    writable: true,
  });
  return optimizer;
}

/** tfjs takes them by name or as a list. A variable that the loss does not depend on has none. */
function byName(gradients: Parameters<ApplyGradients>[0]): ReadonlyMap<string, Tensor> {
  const named = Array.isArray(gradients)
    ? gradients.map(({ name, tensor }): [string, Tensor | null] => [name, tensor])
    : Object.entries<Tensor | null>(gradients);
  return new Map(named.filter((entry): entry is [string, Tensor] => entry[1] !== null));
}
