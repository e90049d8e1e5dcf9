/**
 * Draws random values in every way that a sharded model does, on tensors that lie in several ways, and returns them whole.
 */
import { defineProgram, Dropout, initialize, namedParameters } from "@meshwright/core";
import {
  collectValues,
  ColumnParallelLinear,
  createMesh,
  RowParallelLinear,
  shard,
  Shard,
  type MeshAxes,
  type NamedValues,
  type PlacementSpec,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { inScope } from "./in-scope.ts";

const SHAPE: [number, number] = [7, 10];

export default defineProgram<{ readonly mesh: MeshAxes }, unknown, NamedValues>(({ world, options }) => {
  const mesh = createMesh(world, { dp: options.mesh.dp ?? 1, tp: options.mesh.tp ?? 1 });
  const layouts: Readonly<Record<string, PlacementSpec>> = {
    whole: {},
    rows: { dp: Shard(0), tp: Shard(0) },
    columns: { tp: Shard(1) },
    both: { dp: Shard(0), tp: Shard(1) },
    nested: { dp: Shard(1), tp: Shard(1) },
  };
  const tensors: Record<string, tf.Tensor> = {};
  return inScope(() => {
    const layers = {
      up: new ColumnParallelLinear({ mesh, axis: "tp", inFeatures: 5, outFeatures: 6 }),
      down: new RowParallelLinear({ mesh, axis: "tp", inFeatures: 6, outFeatures: 5 }),
    };
    initialize(layers, { seed: 11 });
    for (const [name, { variable }] of namedParameters(layers)) tensors[`initial ${name}`] = variable;
    for (const [name, layout] of Object.entries(layouts)) {
      const ones = shard(tf.ones(SHAPE), mesh, layout);
      const dropout = new Dropout({ rate: 0.4, seed: 5, name: "dropout" });
      tensors[`kept, ${name}`] = dropout.apply(ones);
      tensors[`kept in the next call, ${name}`] = dropout.apply(ones);
      // The mask of the backward pass is that of the forward pass.
      tensors[`gradient, ${name}`] = tf.grad((x: tf.Tensor) => {
        const again = new Dropout({ rate: 0.4, seed: 5, name: "dropout" });
        return tf.sum(again.apply(x));
      })(ones);
      tensors[`kept by tfjs, ${name}`] = tf.dropout(ones, 0.4, undefined, 3);
      tensors[`noise, ${name}`] = tf.add(ones, tf.randomNormal(SHAPE, 0, 1, "float32", 9));
      tensors[`samples, ${name}`] = tf.cast(tf.multinomial(ones as tf.Tensor2D, 6, 4), "float32");
    }
    return collectValues(tensors);
  });
});
