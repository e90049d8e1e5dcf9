/**
 * Norms and clipped values of gradients whose placements, and whose meshes, differ.
 */
import { clipGradNorm, defineProgram, globalNorm } from "@meshwright/core";
import {
  clipGradNormOverMeshes,
  countCommunication,
  createMesh,
  fromLocal,
  full,
  globalNormOverMeshes,
  Partial,
  redistribute,
  shard,
  Shard,
  subMesh,
} from "@meshwright/sharding";
import type { LedgerTotal } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";

export interface NormFacts {
  readonly norm: number;
  readonly communication: readonly LedgerTotal[];
  /** Clipped to 1, whole. */
  readonly clipped: Readonly<Record<string, readonly number[]>>;
  readonly leaked: number;
}

/** On `{ dp: 2, tp: 2 }` and its stage meshes. Values and norms are in the test. */
export default defineProgram<
  unknown,
  unknown,
  Record<"oneMesh" | "partials" | "twoMeshes" | "stages", NormFacts>
>(({ world }) => {
  const mesh = createMesh(world, { dp: 2, tp: 2 });
  const other = createMesh(world, { all: 4 });
  const stage = subMesh(mesh, { without: "dp" });
  const stageNumber = mesh.coordinate[0]!;

  const facts = (norm: () => NormFacts["norm"], clip: () => ReadonlyMap<string, tf.Tensor>): NormFacts => {
    const live = tf.memory().numTensors;
    const { result, totals } = countCommunication(world, norm);
    const clipped: Record<string, readonly number[]> = {};
    for (const [name, gradient] of clip()) {
      clipped[name] = [...tf.tidy(() => full(gradient).dataSync())];
      gradient.dispose();
    }
    return { norm: result, communication: totals, clipped, leaked: tf.memory().numTensors - live };
  };
  const here = (grads: ReadonlyMap<string, tf.Tensor>): NormFacts =>
    facts(
      () => tf.tidy(() => globalNorm(grads).dataSync()[0]!),
      () => {
        const { norm, grads: clipped } = clipGradNorm(grads, 1);
        norm.dispose();
        return clipped;
      },
    );
  const over = (grads: ReadonlyMap<string, tf.Tensor>, counts?: (name: string) => boolean): NormFacts => {
    const options = { group: world.group, ...(counts !== undefined && { counts }) };
    return facts(
      () => globalNormOverMeshes(grads, options),
      () => clipGradNormOverMeshes(grads, 1, options).grads,
    );
  };

  const oneMesh = new Map<string, tf.Tensor>([
    ["split", shard(tf.tensor1d([1, 2, 3]), mesh, { tp: Shard(0) })],
    [
      "split twice",
      shard(
        tf.tensor2d([
          [1, 1],
          [1, 1],
        ]),
        mesh,
        { dp: Shard(0), tp: Shard(1) },
      ),
    ],
    ["whole", shard(tf.tensor1d([2, 1]), mesh, {})],
    ["on no mesh", tf.tensor1d([1])],
  ]);
  // Each of the 2 x 2 ranks holds a quarter of 4, or half of 2 along one axis.
  const partials = new Map<string, tf.Tensor>([
    ["sum", fromLocal({ values: Float32Array.of(1), shape: [1] }, mesh, { dp: Partial(), tp: Partial() })],
    ["sum of splits", redistribute(shard(tf.tensor1d([3, 0]), mesh, { tp: Shard(0) }), { dp: Partial() })],
  ]);
  const twoMeshes = new Map<string, tf.Tensor>([
    ["on mesh", shard(tf.tensor1d([1, 2, 3]), mesh, { tp: Shard(0) })],
    ["on other", shard(tf.tensor1d([1, 1, 1, 1, 1]), other, { all: Shard(0) })],
    ["whole on other", shard(tf.tensor1d([2]), other, {})],
    ["on no mesh", tf.tensor1d([1])],
  ]);
  // Stage 0 holds [1, 2], stage 1 holds [3, 4]; the tied one is the same on both.
  const stages = new Map<string, tf.Tensor>([
    ["own split", shard(tf.tensor1d([2 * stageNumber + 1, 2 * stageNumber + 2]), stage, { tp: Shard(0) })],
    ["own whole", shard(tf.tensor1d([stageNumber]), stage, {})],
    ["tied", shard(tf.tensor1d([2]), stage, {})],
    ["on the mesh", shard(tf.tensor1d([1]), mesh, {})],
  ]);
  return {
    oneMesh: here(oneMesh),
    partials: here(partials),
    twoMeshes: over(twoMeshes),
    stages: over(stages, (name) => name !== "tied" || stageNumber === 0),
  };
});
