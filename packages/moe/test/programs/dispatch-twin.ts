/**
 * Tokens that visit their experts on other ranks: permute, exchange, sort, multiply, and all of it back. On one rank the
 * twin is every expert on every token, masked.
 */
import { defineProgram } from "@meshwright/core";
import {
  collectValues,
  createMesh,
  localMap,
  Shard,
  type DeviceMesh,
  type MeshAxes,
  type NamedValues,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { exchangeCounts, exchangeRows } from "../../src/dispatch-all-to-all.ts";
import { groupedLinear } from "../../src/grouped-linear.ts";
import { orderByExpert, planPermutation } from "../../src/permutation.ts";
import { permuteTokens, reorderRows, restoreRows, unpermuteTokens } from "../../src/permute.ts";

/** 5 tokens: 3 + 2 on two ranks, 2 + 2 + 1 on three, and none on the last of four. 12 experts divide by all. */
const [T, K, E, D, F] = [5, 2, 12, 3, 4];
/** Expert 0 gets three tokens; most get none. */
const EXPERTS = Int32Array.of(0, 7, 0, 11, 3, 0, 7, 6, 2, 3);
/** Token 1 loses one choice, token 3 both. */
const KEPT = Uint8Array.of(1, 1, 1, 0, 1, 1, 0, 0, 1, 1);

type Layer = (x: tf.Tensor, weights: tf.Tensor, w: tf.Tensor) => tf.Tensor;

const dense: Layer = (x, weights, w) =>
  tf.addN(
    Array.from({ length: E }, (_, expert) => {
      const mask = Float32Array.from(EXPERTS, (own, pair) => (own === expert ? KEPT[pair]! : 0));
      const gate = tf.sum(tf.mul(weights, tf.tensor2d(mask, [T, K])), 1, true);
      const matrix = tf.reshape(tf.slice(w, [expert, 0, 0], [1, D, F]), [D, F]);
      return tf.mul(tf.matMul(x, matrix), gate);
    }),
  );

function dispatched(mesh: DeviceMesh<{ ep: number }>): Layer {
  const group = mesh.group("ep");
  const rows = Math.ceil(T / group.size);
  const [from, to] = [group.rank * rows * K, (group.rank + 1) * rows * K];
  const [experts, kept] = [EXPERTS.slice(from, to), KEPT.slice(from, to)];
  return localMap(
    (x: tf.Tensor, weights: tf.Tensor, w: tf.Tensor) => {
      const plan = planPermutation({ numTokens: x.shape[0], topK: K, numExperts: E, experts, kept });
      const { received, sendCounts, receiveCounts } = exchangeCounts(plan.counts, group);
      const sorted = orderByExpert(received, E / group.size);
      const arrived = exchangeRows(permuteTokens(x, plan), { sendCounts, receiveCounts, group });
      const y = groupedLinear(reorderRows(arrived, sorted), w, sorted.counts);
      const back = { sendCounts: receiveCounts, receiveCounts: sendCounts, group };
      return unpermuteTokens(exchangeRows(restoreRows(y, sorted), back), weights, plan);
    },
    {
      mesh,
      in: [{ ep: Shard(0) }, { ep: Shard(0) }, { ep: Shard(0) }],
      out: { ep: Shard(0) },
      outShapes: () => [[T, F]],
    },
  );
}

function wave(shape: number[], seed: number): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.reshape(tf.sin(tf.mul(tf.range(0, size), 0.61 + seed / 7)), shape);
}

export default defineProgram<{ readonly mesh: MeshAxes }, unknown, NamedValues>(({ world, options }) => {
  const mesh = createMesh(world, { ep: options.mesh.ep ?? 1 });
  const layer = world.size === 1 ? dense : dispatched(mesh);
  const before = tf.memory().numTensors;
  const results: Record<string, NamedValues[string]> = {};
  tf.tidy(() => {
    const inputs = [wave([T, D], 1), wave([T, K], 2), wave([E, D, F], 3)];
    const value = layer(inputs[0]!, inputs[1]!, inputs[2]!);
    const loss = (x: tf.Tensor, weights: tf.Tensor, w: tf.Tensor): tf.Tensor =>
      tf.sum(tf.mul(tf.square(layer(x, weights, w)), wave([T, F], 4)));
    const [dx, dWeights, dw] = tf.grads((...all: tf.Tensor[]) => loss(all[0]!, all[1]!, all[2]!))(inputs);
    Object.assign(results, collectValues({ value, dx: dx!, dWeights: dWeights!, dw: dw! }));
  });
  results.leak = { shape: [1], values: Float32Array.of(tf.memory().numTensors - before) };
  return results;
});
