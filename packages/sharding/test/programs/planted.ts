/**
 * A twin program with or without an error: one value depends on the rank.
 */
import { defineProgram } from "@meshwright/core";
import {
  collectValues,
  createMesh,
  shard,
  Shard,
  type MeshAxes,
  type NamedValues,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

export default defineProgram<{ readonly mesh: MeshAxes; readonly isWrong: boolean }, unknown, NamedValues>(
  ({ world, options: { mesh: axes, isWrong } }) => {
    const mesh = createMesh(world, { tp: axes.tp ?? 1 });
    const x = shard(tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), mesh, { tp: Shard(1) });
    const scale = isWrong ? 1 + world.rank / 8 : 1;
    return collectValues({ square: tf.square(x), scaled: tf.mul(x, scale) });
  },
);
