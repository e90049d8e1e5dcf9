/**
 * Capacities of each rank's own tokens. On one rank the twin is the layer on the chunks of tokens, one after the other.
 */
import { defineProgram, initialize, namedParameters } from "@meshwright/core";
import { collectValues, createMesh, type MeshAxes, type NamedValues } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { MoELayer, type MoELayerOptions } from "../../src/index.ts";

export interface RankScopeOptions {
  readonly cases: Readonly<Record<string, Pick<MoELayerOptions, "capacity" | "dispatcher">>>;
  /** Ranks that the mesh has, which the dense twin does not. */
  readonly ranks: number;
}

type TwinOptions = RankScopeOptions & { readonly mesh: MeshAxes };

const [T, D] = [12, 4];

export default defineProgram<TwinOptions, unknown, NamedValues>(
  ({ world, options: { cases, ranks, mesh: axes } }) => {
    const mesh = createMesh(world, { ep: axes.ep ?? 1 });
    const results: Record<string, NamedValues[string]> = {};
    for (const [name, { dispatcher, ...settings }] of Object.entries(cases)) {
      const before = tf.memory().numTensors;
      const sizes = { features: D, hidden: 5, numExperts: 4, topK: 2, name };
      const layer = new MoELayer({
        ...{ ...sizes, ...settings },
        ...(world.size > 1 && { parallel: { mesh, expertAxis: "ep" }, ...(dispatcher && { dispatcher }) }),
      });
      let dropped = 0;
      layer.onLoad = (record) => (dropped += record.dropped);
      initialize({ layer }, { seed: 1 });
      tf.tidy(() => {
        const x = tf.sin(tf.mul(tf.range(0, T * D), 0.61)).reshape([T, D]);
        const apply = (t: tf.Tensor): tf.Tensor => {
          if (world.size > 1) return layer.apply(t);
          return tf.concat(tf.split(t, ranks).map((chunk) => layer.apply(chunk)));
        };
        const { value, grad } = tf.valueAndGrad((t: tf.Tensor) => tf.sum(tf.square(apply(t))))(x);
        Object.assign(results, collectValues({ [`${name}: value`]: value, [`${name}: dx`]: grad }));
      });
      results[`${name}: dropped`] = { shape: [1], values: Float32Array.of(dropped) };
      for (const parameter of namedParameters(layer).values()) parameter.dispose();
      results[`${name}: leak`] = { shape: [1], values: Float32Array.of(tf.memory().numTensors - before) };
    }
    return results;
  },
);
