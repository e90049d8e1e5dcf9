/**
 * Ordinary tfjs operations on sharded tensors: values and gradients, for every pair of placements.
 */
import { defineProgram } from "@meshwright/core";
import {
  collectValues,
  createMesh,
  Partial,
  redistribute,
  Replicate,
  shard,
  Shard,
  type MeshAxes,
  type NamedValues,
  type Placement,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

type Function2 = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

/** `a` is `[5, 6]`, `b` is `[6, 4]` or, where the operation wants it, reshaped from it. */
const OPERATIONS: Readonly<Record<string, Function2>> = {
  matMul: (a, b) => tf.matMul(a, b),
  matMulTransposed: (a, b) => tf.matMul(b, a, true, true),
  addBroadcast: (a, b) => tf.add(a, tf.slice(tf.transpose(b), [1, 0], [1, -1])),
  mulSub: (a, b) => tf.mul(tf.sub(a, 0.5), tf.sum(b, 1)),
  division: (a, b) => tf.div(tf.tanh(a), tf.add(tf.square(tf.mean(b, 1)), 1)),
  softmax: (a, b) => tf.softmax(tf.matMul(a, b)),
  logSumExp: (a, b) => tf.logSumExp(tf.matMul(a, b), 1),
  reshapeTranspose: (a, b) => tf.matMul(tf.reshape(tf.transpose(a), [10, 3]), tf.reshape(b, [3, 8])),
  heads: (a, b) => tf.sum(tf.transpose(tf.reshape(tf.matMul(a, b), [5, 2, 2]), [1, 0, 2]), 0),
  meanAll: (a, b) => tf.mul(tf.mean(a), tf.mean(b)),
  maxAxis: (a, b) => tf.add(tf.max(a, 1), tf.sum(b)),
  gather: (a, b) => tf.matMul(tf.gather(a, tf.tensor1d([4, 0, 0, 2], "int32")), b),
  concatSplit: (a, b) => {
    const [left, right] = tf.split(
      tf.concat(
        [
          a,
          tf.transpose(
            tf.pad(b, [
              [0, 0],
              [0, 1],
            ]),
          ),
        ],
        1,
      ),
      2,
      1,
    );
    return tf.mul(left!, tf.sigmoid(right!));
  },
  stackTile: (a, b) => tf.sum(tf.tile(tf.stack([a, tf.mul(a, a)]), [1, 1, 2]), 2).mul(tf.sum(tf.abs(b))),
  relu: (a, b) => tf.matMul(tf.relu(a), tf.relu(b)),
  exponentials: (a, b) => tf.addN([tf.exp(a), tf.sqrt(tf.add(tf.square(a), 1)), tf.mul(a, tf.sum(b))]),
};

function placementsFor(partial: boolean): Placement[] {
  return [Replicate(), Shard(0), Shard(1), ...(partial ? [Partial()] : [])];
}

export default defineProgram<{ readonly mesh: MeshAxes }, unknown, NamedValues>(({ world, options }) => {
  const mesh = createMesh(world, { x: options.mesh.x ?? 1, y: options.mesh.y ?? 1 });
  const a = tf.tensor2d(
    Array.from({ length: 30 }, (_, i) => Math.sin(i * 1.7)),
    [5, 6],
  );
  const b = tf.tensor2d(
    Array.from({ length: 24 }, (_, i) => Math.cos(i * 0.9)),
    [6, 4],
  );
  const result: Record<string, NamedValues[string]> = {};
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    for (const [i, onA] of placementsFor(true).entries()) {
      for (const [j, onB] of placementsFor(true).entries()) {
        tf.tidy(() => {
          // Two axes: `x` splits a and b as said; `y` splits them the other way round.
          const placedA = redistribute(shard(a, mesh, { x: onA }), { y: onB });
          const placedB = redistribute(shard(b, mesh, { x: onB }), { y: onA });
          const f = (p: tf.Tensor, q: tf.Tensor): tf.Tensor => operation(p, q);
          const value = f(placedA, placedB);
          const weights = tf.reshape(tf.range(1, value.size + 1), value.shape);
          const [da, db] = tf.grads((p: tf.Tensor, q: tf.Tensor) => tf.sum(tf.mul(f(p, q), weights)))([
            placedA,
            placedB,
          ]);
          const key = `${name} ${i} ${j}`;
          const values = collectValues({ [key]: value, [`${key} da`]: da!, [`${key} db`]: db! });
          Object.assign(result, values);
        });
      }
    }
  }
  return result;
});
