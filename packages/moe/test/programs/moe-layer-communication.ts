/**
 * What a layer of experts sends forward and backward, and how its choices fell.
 */
import { defineProgram, initialize, namedParameters, vjp, type LedgerEntry } from "@meshwright/core";
import { countCommunication, createMesh, shard, Shard, toLocal } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { MoELayer, type MoELayerOptions } from "../../src/index.ts";

export interface LayerCommunicationOptions {
  readonly axes: Readonly<Record<"dp" | "ep" | "tp", number>>;
  readonly layer: Pick<
    MoELayerOptions,
    "features" | "numExperts" | "topK" | "dispatcher" | "capacity" | "balance" | "expertChoice"
  >;
  readonly tokens: number;
}

export interface LayerCommunicationFacts {
  readonly forward: readonly LedgerEntry[];
  readonly backward: readonly LedgerEntry[];
  /** Choices of this rank's tokens per expert. */
  readonly rows: readonly number[];
}

export default defineProgram<LayerCommunicationOptions, unknown, LayerCommunicationFacts>(
  ({ world, options: { axes, layer: settings, tokens } }) => {
    const mesh = createMesh(world, axes);
    const parallel = { mesh, expertAxis: "ep", tensorAxis: "tp", dataAxes: ["dp"] } as const;
    const layer = new MoELayer({ ...settings, hidden: 6, name: "moe", parallel });
    initialize({ layer }, { seed: 1 });
    const x = tf.tidy(() => {
      const whole = tf.sin(tf.mul(tf.range(0, tokens * settings.features), 0.7));
      const at = { dp: Shard(0), ep: Shard(0) };
      return shard(whole.reshape([tokens, settings.features]), mesh, at);
    });
    const parameters = namedParameters({ layer });
    // Once before, so that nothing is counted that is done once.
    layer.apply(x).dispose();
    const forward = countCommunication(world, () => vjp((input) => layer.apply(input), [x], { parameters }));
    const { value, pullback } = forward.result;
    const dy = shard(tf.ones(value.shape), mesh, { dp: Shard(0), ep: Shard(0) });
    const backward = countCommunication(world, () => pullback.all(dy));
    const { experts } = layer.router.route(x);
    const rows = new Array<number>(settings.numExperts).fill(0);
    for (const expert of toLocal(experts).values) rows[expert]!++;
    return { forward: forward.entries, backward: backward.entries, rows };
  },
);
