/**
 * Two meshes of different shape in one program, used apart; and what a run finds of the run before it.
 */
import { defineProgram } from "@meshwright/core";
import {
  createMesh,
  fromLocal,
  full,
  Partial,
  redistribute,
  shard,
  Shard,
  toLocal,
  type DeviceMesh,
  type MeshAxes,
  type Placement,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { countMemory, heapBytes, type MemoryCounts } from "./memory-counts.ts";

export interface MeshFacts {
  /** The same computation, on each mesh. */
  readonly products: readonly (readonly number[])[];
  readonly copied: readonly number[];
  /** What the run before kept, or nothing in the first run. */
  readonly kept: readonly number[];
  readonly memory: MemoryCounts;
  readonly heapBytes: number;
}

export interface MeshOptions {
  readonly meshes: readonly MeshAxes[];
  readonly run: number;
}

const KEPT = Symbol.for("meshwright.test.kept");

/** `(A B)^T A` with `A` `[4, 6]` split by columns and rows, `B` `[6, 4]` by rows. */
function product(mesh: DeviceMesh): tf.Tensor {
  return tf.tidy(() => {
    const matrix = (rows: number, columns: number): tf.Tensor =>
      tf.reshape(tf.range(0, rows * columns), [rows, columns]);
    const [first, ...others] = mesh.axisNames;
    const place = (t: tf.Tensor, on: Placement, others_: Placement): tf.Tensor =>
      shard(t, mesh, {
        [first!]: on,
        ...Object.fromEntries(others.map((axis) => [axis, others_])),
      });
    const a = place(matrix(4, 6), Shard(1), Shard(0));
    const b = place(matrix(6, 4), Shard(0), Shard(1));
    return tf.matMul(tf.matMul(a, b), a, true);
  });
}

export default defineProgram<MeshOptions, unknown, MeshFacts>(({ world, options }) => {
  const previous = Reflect.get(globalThis, KEPT) as tf.Tensor | undefined;
  const meshes = options.meshes.map((axes): DeviceMesh => createMesh(world, axes));
  const first = meshes[0]!;
  // Kept on purpose beyond the run; it is whole on every rank, so the next run's backend can take it over.
  const kept = previous === undefined ? [] : [...tf.add(previous, shard(tf.ones([3]), first, {})).dataSync()];
  previous?.dispose();
  const products = meshes.map(product);
  const last = meshes.at(-1)!;
  const copy = fromLocal(toLocal(full(products[0]!)), last, {});
  const split = redistribute(copy, { [last.axisNames[0]!]: Partial() });
  const facts = {
    products: products.map((t) => [...t.dataSync()]),
    copied: [...tf.sub(split, products.at(-1)!).dataSync()],
    kept,
  };
  const next = tf.keep(shard(tf.range(options.run, options.run + 3), first, {}));
  Reflect.set(globalThis, KEPT, next);
  return { ...facts, memory: countMemory(world), heapBytes: heapBytes() };
});
