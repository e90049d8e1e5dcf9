/**
 * Computes the layers of golden/layers.py: outputs, auxiliary losses, and the gradients of input and parameters.
 */
import { defineProgram, gradients, namedParameters, Parameter } from "@meshwright/core";
import { collectValues, createMesh, type NamedValues } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import type { ExpertLoadRecord } from "../../src/load/expert-load-record.ts";
import type { MoELayerOptions } from "../../src/moe-layer-options.ts";
import { MoELayer } from "../../src/moe-layer.ts";

/** A case of the script. */
export type LayerCase = Omit<MoELayerOptions, "features" | "hidden" | "numExperts" | "name">;

export interface GoldenLayersOptions {
  readonly mesh: { readonly dp: number; readonly ep: number; readonly tp: number };
  readonly sizes: Readonly<Record<"B" | "S" | "D" | "F" | "E", number>>;
  readonly phases: Readonly<Record<string, number>>;
  readonly cases: Readonly<Record<string, LayerCase>>;
}

/** What one layer computes. */
export interface LayerOutcome {
  readonly values: NamedValues;
  readonly losses: Readonly<Record<string, number | undefined>>;
  readonly counts: readonly number[];
  readonly dropped: number;
  readonly leaked: number;
}

export default defineProgram<GoldenLayersOptions, unknown, Record<string, LayerOutcome>>(
  ({ world, options }) => {
    const mesh = createMesh(world, options.mesh);
    const parallel = { mesh, expertAxis: "ep", tensorAxis: "tp", dataAxes: ["dp"] } as const;
    const wave = (name: string, shape: readonly number[], amplitude = 1): tf.Tensor => {
      const size = shape.reduce((a, b) => a * b, 1);
      const phase = options.phases[name]!;
      const values = Float32Array.from({ length: size }, (_, i) => amplitude * Math.sin(1.3 * i + phase));
      return tf.tensor(values, [...shape]);
    };
    const { B, S, D, F, E } = options.sizes;
    const outcomes: Record<string, LayerOutcome> = {};
    for (const [name, settings] of Object.entries(options.cases)) {
      const before = tf.memory().numTensors;
      const records: ExpertLoadRecord[] = [];
      const layer = new MoELayer({
        ...{ ...settings, features: D, hidden: F, numExperts: E, name },
        onLoad: (record) => records.push(record),
        ...(world.size > 1 && { parallel }),
      });
      const x = new Parameter({ shape: [B, S, D], initializer: { kind: "zeros" } });
      x.assign(wave("x", [B, S, D]));
      for (const [path, parameter] of namedParameters(layer)) {
        fill(parameter, wave(path, parameter.shape, path === "expertBias" ? 0.2 : 0.7));
      }
      const values: Record<string, NamedValues[string]> = {};
      tf.tidy(() => {
        const weight = wave("y", [B, S, D]);
        const lossOf = (): tf.Scalar => {
          const y = layer.apply(x.variable);
          Object.assign(values, collectValues({ y }));
          return tf.sum(tf.mul(y, weight));
        };
        const { grads } = gradients({ x, layer }, lossOf);
        Object.assign(values, collectValues(Object.fromEntries(grads)));
      });
      x.dispose();
      for (const parameter of namedParameters(layer).values()) parameter.dispose();
      const { counts, dropped } = records[0]!;
      outcomes[name] = {
        ...{ values, losses: layer.losses, counts: [...counts], dropped },
        leaked: tf.memory().numTensors - before,
      };
    }
    return outcomes;
  },
);

/** Sets a parameter to values that every rank has whole. */
function fill(parameter: Parameter, value: tf.Tensor): void {
  const { shard } = parameter;
  if (shard === undefined) {
    parameter.assign(value);
    return;
  }
  const part = tf.tidy(() =>
    tf
      .slice(value, [...shard.offset], [...shard.localShape])
      .dataSync<"float32">()
      .slice(),
  );
  value.dispose();
  parameter.assign(shard.fromLocal(part));
}
