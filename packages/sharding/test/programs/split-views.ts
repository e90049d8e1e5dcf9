/**
 * Views of a tensor whose dims are split: what every rank then holds, its gradient, and what the view communicated.
 */
import { defineProgram } from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  formatPlacement,
  full,
  placementsOf,
  shard,
  toLocal,
  type MeshAxes,
  type Placement,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { inScope } from "./in-scope.ts";

/** A view of `0, 1, 2, ...`, and how it is split. */
export interface ViewCase {
  readonly shape: readonly number[];
  readonly placements: Readonly<Record<string, Placement>>;
  /** A new shape, or `"pieces"`: the three parts of a fused `[..., 3 D]`, joined again at the front. */
  readonly view: readonly number[] | "pieces";
}

export interface ViewFacts {
  readonly value: readonly number[];
  /** Of the sum of the view times `0, 1, 2, ...`. */
  readonly gradient: readonly number[];
  readonly shape: readonly number[];
  readonly placements: readonly string[];
  readonly local: {
    readonly values: readonly number[];
    readonly shape: readonly number[];
    readonly offset: readonly number[];
  };
  readonly collectives: readonly string[];
}

export default defineProgram<
  { readonly mesh: MeshAxes; readonly cases: readonly ViewCase[] },
  unknown,
  ViewFacts[]
>(({ world, options }) => {
  const mesh = createMesh(world, options.mesh);
  return options.cases.map(({ shape, placements, view }) =>
    inScope(() => {
      const size = shape.reduce((a, b) => a * b, 1);
      const x = shard(tf.range(0, size).reshape([...shape]), mesh, placements);
      const apply = (t: tf.Tensor): tf.Tensor =>
        view === "pieces" ? tf.stack(tf.split(t, 3, t.rank - 1)) : tf.reshape(t, [...view]);
      const { result, totals } = countCommunication(world, () => apply(x));
      const weights = shard(tf.range(0, size).reshape(result.shape), mesh, {});
      const gradient = tf.grad((t: tf.Tensor) => tf.sum(tf.mul(apply(t), weights)))(x);
      const { values, shape: localShape, offset } = toLocal(result);
      return {
        value: [...full(result).dataSync()],
        gradient: [...full(gradient).dataSync()],
        shape: result.shape,
        placements: Object.values(placementsOf(result)).map((placement) => formatPlacement(placement)),
        local: { values: [...values], shape: localShape, offset },
        collectives: totals.map(({ collective }) => collective),
      };
    }),
  );
});
