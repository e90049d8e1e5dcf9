/**
 * Data parallelism: one collective per bucket of gradients instead of one per parameter.
 *
 * @packageDocumentation
 */
import type { NamedGradients } from "@meshwright/core";
import { shardedBackend } from "../backend/current.ts";
import { axisIndex, type AxisName, type DeviceMesh, type MeshAxes } from "../mesh.ts";
import { Replicate } from "../placement.ts";
import { BucketedMoves } from "./bucketed-moves.ts";

/** Options of {@link reduceGradients}. */
export interface ReduceGradientsOptions<Axes extends MeshAxes> {
  readonly mesh: DeviceMesh<Axes>;
  /** The axis over which the batch is split. */
  readonly axis: AxisName<Axes>;
  /** Bytes per rank of a bucket. Default 1 MiB. */
  readonly bucketBytes?: number;
}

/**
 * Reduces all gradients that are `Partial("sum")` along `axis`, in place and in the order of `grads`: they are
 * `Replicate()` afterwards. Gradients that are not partial there, and other axes, stay as they are.
 *
 * Without it the gradients are right too: each is reduced when it is first used, with a collective of its own.
 *
 * Communication: one all-reduce per bucket (see `packBuckets`); 2S(N-1)/N bytes in all, with S the bytes of the gradients
 * on a rank and N the ranks on `axis`: the same as one by one.
 *
 * @example
 * ```ts
 * const { loss, grads } = gradients(model, () => crossEntropy(model.apply(tokens), labels));
 * reduceGradients(grads, { mesh, axis: "dp" });
 * optimizer.step(clipGradNorm(grads, 1).grads);
 * ```
 * @throws ContractError if the mesh has no such axis, or `bucketBytes` is not positive.
 * @see Li et al. 2020, "PyTorch Distributed: Experiences on Accelerating Data Parallel Training", section 3.2,
 * https://arxiv.org/abs/2006.15704
 */
export function reduceGradients<Axes extends MeshAxes>(
  grads: NamedGradients,
  { mesh, axis, bucketBytes }: ReduceGradientsOptions<Axes>,
): void {
  const where = "reduceGradients";
  const index = axisIndex(mesh, axis, where);
  const options = { mesh, axis, ...(bucketBytes !== undefined && { bucketBytes }) };
  const moves = new BucketedMoves(where, "gradients", options);
  const backend = shardedBackend(where);
  for (const gradient of grads.values()) {
    const { layout } = backend.recordOf(gradient);
    const placement = layout.mesh === mesh ? layout.placements[index] : undefined;
    if (placement?.kind === "partial" && placement.op === "sum") moves.add(gradient, Replicate());
  }
  moves.flush();
}
