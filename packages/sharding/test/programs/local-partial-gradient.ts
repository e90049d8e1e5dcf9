/**
 * Gradients through the edges of local code, where the value outside is a partial sum or the same on every rank.
 */
import { defineProgram } from "@meshwright/core";
import {
  createMesh,
  full,
  localAllReduce,
  localMap,
  Partial,
  shard,
  Shard,
  type DeviceMesh,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

/** `dx` and `dw` of one way to write `sum(weights * tanh(x w))`. */
export type Gradients = readonly [dx: readonly number[], dw: readonly number[]];

type Product = (x: tf.Tensor, w: tf.Tensor) => tf.Tensor;

export default defineProgram<object, unknown, Readonly<Record<string, Gradients>>>(({ world }) => {
  const mesh: DeviceMesh = createMesh(world, { tp: world.size });
  const split = { mesh, in: [{ tp: Shard(1) }, { tp: Shard(0) }] };
  const multiply: Product = (x, w) => tf.matMul(x, w);
  const out = localMap(multiply, { ...split, out: { tp: Partial("sum") } });
  const pass = localMap((t: tf.Tensor) => tf.mul(t, 1), {
    ...{ mesh, in: [{ tp: Partial("sum") }], out: { tp: Partial("sum") } },
  });
  const ways: Readonly<Record<string, Product>> = {
    dense: multiply,
    "a partial sum comes out": out,
    "a partial sum goes in and comes out": (x, w) => pass(out(x, w)),
    "a partial sum of the backend goes in": (x, w) =>
      pass(tf.matMul(shard(x, mesh, { tp: Shard(1) }), shard(w, mesh, { tp: Shard(0) }))),
    "a partial sum is reduced on the way in": (x, w) =>
      localMap((t: tf.Tensor) => tf.mul(t, 1), { mesh, in: [{}], out: {} })(out(x, w)),
    "the sum is made inside": localMap(
      (x: tf.Tensor, w: tf.Tensor) => localAllReduce(tf.matMul(x, w), "tp"),
      {
        ...{ ...split, out: {} },
      },
    ),
    "the same value goes in and comes out": localMap(multiply, { mesh, in: [{}, {}], out: {} }),
    "the same value goes in, parts come out": localMap(
      (x: tf.Tensor, w: tf.Tensor) => {
        const [rows, features] = [w.shape[0] / world.size, x.shape[0]];
        const at = world.rank * rows;
        return tf.matMul(tf.slice(x, [0, at], [features, rows]), tf.slice(w, [at, 0], [rows, -1]));
      },
      { mesh, in: [{}, {}], out: { tp: Partial("sum") } },
    ),
  };
  const found: Record<string, Gradients> = {};
  for (const [name, product] of Object.entries(ways)) {
    tf.tidy(() => {
      const [x, w] = [wave([3, 12], 0.7), wave([12, 2], 0.9)];
      const loss = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
        tf.sum(tf.mul(wave([3, 2], 0.3), tf.tanh(product(a, b))));
      const [dx, dw] = tf.grads(loss)([x, w]);
      found[name] = [[...full(dx!).dataSync()], [...full(dw!).dataSync()]];
    });
  }
  return found;
});

function wave(shape: number[], step: number): tf.Tensor {
  return tf.reshape(tf.sin(tf.mul(tf.range(0, shape[0]! * shape[1]!), step)), shape);
}
