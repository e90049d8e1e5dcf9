/**
 * Breaks the rules of the API one by one, on every rank, and returns the errors.
 */
import { defineProgram } from "@meshwright/core";
import {
  ColumnParallelLinear,
  createMesh,
  fromLocal,
  full,
  parallelGPT,
  ParallelSelfAttention,
  Partial,
  placementsOf,
  redistribute,
  RowParallelLinear,
  shard,
  Shard,
  toLocal,
  type DeviceMesh,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { thrownText } from "./thrown-text.ts";

export default defineProgram(({ world }): Readonly<Record<string, string>> => {
  const early = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
  const noMesh = thrownText(() => placementsOf(early));
  const sizes = {
    "mesh of 6 ranks": thrownText(() => createMesh(world, { dp: 2, tp: 3 })),
    "mesh axis of size 0": thrownText(() => createMesh(world, { tp: 0 })),
    "mesh without axes": thrownText(() => createMesh(world, {})),
  };
  const mesh = createMesh(world, { tp: 2 });
  const other = createMesh(world, { dp: 1, mp: 2 });
  // A misspelt axis does not compile; this is what a JavaScript program, or a computed name, gets.
  const anyMesh: DeviceMesh = mesh;
  const on = (tensor: tf.Tensor): tf.Tensor => shard(tensor, mesh, { tp: Shard(0) });
  const linear = { inFeatures: 3, outFeatures: 5 };
  const calls: Readonly<Record<string, () => unknown>> = {
    "sizeOf unknown axis": () => anyMesh.sizeOf("pt"),
    "group of unknown axis": () => anyMesh.group("pt"),
    "shard on unknown axis": () => shard(early, anyMesh, { pt: Shard(0) }),
    "redistribute on unknown axis": () => redistribute(on(early), { pt: Shard(0) }),
    "column linear on unknown axis": () => new ColumnParallelLinear({ mesh: anyMesh, axis: "pt", ...linear }),
    "row linear on unknown axis": () => new RowParallelLinear({ mesh: anyMesh, axis: "pt", ...linear }),
    "shard of unknown dim": () => shard(early, mesh, { tp: Shard(2) }),
    "shard of fractional dim": () => shard(early, mesh, { tp: Shard(0.5) }),
    "3 heads on 2 ranks": () => new ParallelSelfAttention({ mesh, axis: "tp", features: 6, heads: 3 }),
    "GPT with 3 heads on 2 ranks": () =>
      parallelGPT({
        mesh,
        axis: "tp",
        ...{ vocabSize: 5, contextLength: 4, features: 6, heads: 3, layers: 1 },
      }),
    "tensors of two meshes": () => tf.add(on(early), shard(early, other, { mp: Shard(1) })),
    "shard to another mesh": () => shard(on(early), other, { mp: Shard(1) }),
    "redistribute without mesh": () => redistribute(early, { tp: Shard(0) }),
    "wrong local shape": () =>
      fromLocal({ values: new Float32Array(6), shape: [2, 3] }, mesh, { tp: Shard(0) }, { shape: [5, 3] }),
    "wrong number of values": () =>
      fromLocal({ values: new Float32Array(5), shape: [2, 3] }, mesh, { tp: Shard(0) }),
    "sum of bool": () => fromLocal({ values: Uint8Array.of(1), shape: [1] }, mesh, { tp: Partial("sum") }),
    "split strings": () => shard(tf.tensor(["a", "b"]), mesh, { tp: Shard(0) }),
    "partial complex numbers": () => shard(tf.complex([1], [2]), mesh, { tp: Partial("sum") }),
    "local strings": () => toLocal(tf.tensor(["a", "b"])),
    // Rank 0 holds one column and one row, which fit; only the global shapes tell.
    "inner dims 1 and 2": () =>
      tf.matMul(
        shard(tf.ones([3, 1]), mesh, { tp: Shard(1) }),
        shard(tf.ones([2, 4]), mesh, { tp: Shard(0) }),
      ),
    // After all these, the mesh works as before.
    "nothing wrong": () => {
      if (full(on(early)).dataSync().join() !== "1,2,3,4,5,6") throw new Error("wrong values");
    },
  };
  return {
    "no mesh": noMesh,
    ...sizes,
    ...Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, thrownText(call)])),
  };
});
