/**
 * The norm of gradients that live on several meshes.
 *
 * Every element counts on one of the ranks that hold it: the one at position 0 of each axis along which its tensor is
 * replicated.
 *
 * ```
 *   { dp: 2, tp: 2 }       w  tp Shard(1)     counts on ranks 0 and 1
 *                          b  on no mesh      counts on rank 0
 *   a stage's { dp: 2 }    u  Replicate()     counts on the first rank of that stage
 *
 *   norm^2 = sum of what each rank counts: one all-reduce of one number
 * ```
 *
 * @packageDocumentation
 */
import { ContractError, type NamedGradients, type ProcessGroup } from "@meshwright/core";
import { addN, mul, square, sum, tidy, type Scalar, type Tensor } from "@tensorflow/tfjs";
import { shardedBackend } from "../backend/current.ts";
import type { DeviceMesh, MeshGeometry } from "../mesh.ts";

/** Added to the norm before dividing by it, as `torch.nn.utils.clip_grad_norm_` does. */
const EPSILON = 1e-6;

/** Who takes part. */
export interface MeshNormOptions {
  /** The ranks whose gradients are one vector together; `world.group` for all. They call at the same time. */
  readonly group: ProcessGroup;
  /** Whether a gradient counts on this rank: that of a parameter which several stages share counts on one. Default: all. */
  readonly counts?: (name: string) => boolean;
}

/** Norm before clipping, and new gradients that the caller owns. */
export interface ClippedOverMeshes {
  readonly norm: number;
  readonly grads: NamedGradients;
}

/**
 * The Euclidean norm of all gradients taken as one vector, where they are on several meshes of the same world: two meshes,
 * a mesh and its sub-mesh, or the stages of a pipeline. On one mesh `globalNorm` does the same.
 *
 * Placements may be mixed. Replicated gradients count once; a partial one is reduced first (use `reduceGradients` before:
 * it is one collective instead of one for each). A tensor of a sub-mesh counts at every coordinate of the axis that the
 * sub-mesh lacks, because it is another tensor there.
 *
 * Communication: one all-reduce of 4 bytes over `group`.
 *
 * @example
 * ```ts
 * const norm = globalNormOverMeshes(grads, { group: world.group });
 * ```
 */
export function globalNormOverMeshes(
  grads: NamedGradients,
  { group, counts = () => true }: MeshNormOptions,
): number {
  const byMesh = new Map<MeshGeometry | undefined, Tensor[]>();
  const backend = shardedBackend("globalNormOverMeshes");
  for (const [name, gradient] of grads) {
    if (!counts(name)) continue;
    const { mesh } = backend.recordOf(gradient).layout;
    byMesh.set(mesh, [...(byMesh.get(mesh) ?? []), gradient]);
  }
  let own = 0;
  for (const ofMesh of byMesh.values()) own += countedHere(ofMesh, group);
  const total = Float32Array.of(own);
  group.allReduce(total, { label: "squared gradient norm" });
  return Math.sqrt(total[0]!);
}

/**
 * `clipGradNorm` for gradients on several meshes: every gradient times `min(1, maxNorm / (norm + 1e-6))`.
 *
 * Communication: one all-reduce of 4 bytes over `group`.
 *
 * @returns the norm before clipping, and new gradients; the caller owns these and still owns the old ones
 * @throws ContractError if `maxNorm` is not positive.
 * @see Pascanu, Mikolov, Bengio 2013, "On the difficulty of training recurrent neural networks", section 3.2,
 * https://arxiv.org/abs/1211.5063
 */
export function clipGradNormOverMeshes(
  grads: NamedGradients,
  maxNorm: number,
  options: MeshNormOptions,
): ClippedOverMeshes {
  if (!(maxNorm > 0)) {
    throw new ContractError(
      `clipGradNormOverMeshes: maxNorm (${maxNorm}) must be positive; use for example 1.`,
    );
  }
  const norm = globalNormOverMeshes(grads, options);
  const factor = Math.min(1, maxNorm / (norm + EPSILON));
  const clipped = new Map<string, Tensor>();
  for (const [name, gradient] of grads) clipped.set(name, mul(gradient, factor));
  return { norm, grads: clipped };
}

/** The squares of one mesh's gradients that count on this rank. */
function countedHere(gradients: readonly Tensor[], group: ProcessGroup): number {
  const backend = shardedBackend("globalNormOverMeshes");
  const squares = tidy(() => addN(gradients.map((gradient) => sum<Scalar>(square(gradient)))));
  const { layout, local } = backend.recordOf(squares);
  const { mesh, placements } = layout;
  const isCounted =
    mesh === undefined
      ? group.rank === 0
      : placements.every(({ kind }, axis) => kind === "partial" || coordinateOn(mesh, axis) === 0);
  const [value] = backend.door.read(local) as Float32Array;
  squares.dispose();
  return isCounted ? value! : 0;
}

function coordinateOn(mesh: MeshGeometry, axis: number): number {
  return (mesh as DeviceMesh).coordinate[axis]!;
}
