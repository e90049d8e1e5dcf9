/**
 * Ring attention in both orders, with and without shared key heads: values, gradients, communication. On one rank the
 * twin is dense attention.
 */
import { defineProgram, groupedCausalAttention } from "@meshwright/core";
import {
  collectValues,
  contextParallelOrder,
  createMesh,
  ringAttention,
  shard,
  Shard,
  type ContextOrder,
  type MeshAxes,
  type NamedValues,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { countMemory, growth, type MemoryCounts } from "./memory-counts.ts";

/** Pairwise different sizes; T divides by 2, 4, 6 and 8. */
const [B, H, T, DH] = [3, 4, 24, 5];

function wave(shape: number[], seed: number): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.reshape(tf.mul(2, tf.sin(tf.mul(tf.range(0, size), 0.61 + seed / 7))), shape);
}

export default defineProgram<{ readonly mesh: MeshAxes }, unknown, NamedValues>(({ world, options }) => {
  const axes = options.mesh;
  const mesh = createMesh(world, { dp: axes.dp ?? 1, cp: axes.cp ?? 1, tp: axes.tp ?? 1 });
  const ranks = mesh.sizeOf("cp");
  const results: Record<string, NamedValues[string]> = {};
  for (const order of ["zigzag", "contiguous"] as const) {
    for (const keyHeads of [H, 2]) {
      const name = `${order}, ${keyHeads} key heads`;
      let grown: MemoryCounts | undefined;
      for (let round = 0; round < 2; round++) {
        const before = countMemory(world);
        Object.assign(results, oneCase(name, order, keyHeads));
        grown = growth(before, countMemory(world));
      }
      const counts = Object.values(grown!).map((count: number) => (world.size === 1 ? 0 : count));
      results[`${name}: leak`] = { shape: [counts.length], values: Float32Array.from(counts) };
    }
  }
  return results;

  function oneCase(name: string, order: ContextOrder, keyHeads: number): NamedValues {
    let values: NamedValues = {};
    tf.tidy(() => {
      const positions = contextParallelOrder(T, ranks, { order });
      const places = tf.tensor1d(positions, "int32");
      const isDense = world.size === 1;
      const place = (x: tf.Tensor): tf.Tensor =>
        isDense ? x : shard(tf.gather(x, places, 2), mesh, { dp: Shard(0), cp: Shard(2), tp: Shard(1) });
      const inverse = new Int32Array(T);
      positions.forEach((position, i) => {
        inverse[position] = i;
      });
      const restore = (x: tf.Tensor): tf.Tensor =>
        isDense ? x : tf.gather(x, tf.tensor1d(inverse, "int32"), 2);
      const inputs = [wave([B, H, T, DH], 1), wave([B, keyHeads, T, DH], 2), wave([B, keyHeads, T, DH], 3)];
      const dy = wave([B, H, T, DH], 4);
      const f = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor =>
        isDense
          ? groupedCausalAttention(q, { k, v })
          : ringAttention(q, { k, v }, { mesh, axis: "cp", order });
      const { value, grads } = tf.valueAndGrads(f)(inputs.map(place), place(dy));
      values = collectValues({
        [`${name}: value`]: restore(value),
        ...Object.fromEntries(grads.map((grad, i) => [`${name}: gradient of ${"qkv"[i]!}`, restore(grad)])),
      });
    });
    return values;
  }
});
