/**
 * What every rank measures of a layer with a shared expert: how long its exchanges of rows take within the layer, how
 * long they take alone, and how long the shared expert takes, which could run meanwhile.
 *
 * @packageDocumentation
 */
import {
  defineProgram,
  initialize,
  namedParameters,
  timeCollectives,
  type CollectiveSpan,
} from "@meshwright/core";
import { MoELayer } from "@meshwright/moe";
import { createMesh, shard, Shard } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { timeHere, type Sample } from "../data-parallel/thread-cpu.ts";
import { interleave } from "../statistics.ts";
import { differentiate, wave, type MoESizes } from "./sizes.ts";

/** Options of the program; the same on every rank. */
export interface OverlapOptions {
  readonly sizes: MoESizes;
  readonly seed: number;
  readonly rounds: number;
  readonly warmUp: number;
}

/** Milliseconds per sample, forward and backward. */
export interface OverlapResult {
  readonly layer: readonly number[];
  /** Inside the layer's four exchanges of rows, waiting for the other ranks included. */
  readonly exchanges: readonly number[];
  /** Four exchanges of as many rows, between ranks that come at the same time. */
  readonly alone: readonly number[];
  /** Processor time of the same: what copying costs. */
  readonly aloneCpu: readonly number[];
  readonly shared: readonly number[];
}

/** Dispatch and combine, forward and backward. */
const NUM_EXCHANGES = 4;

export default defineProgram<OverlapOptions, never, OverlapResult>(({ world, options }) => {
  const { sizes, seed, rounds, warmUp } = options;
  const { tokens, features, hidden, experts: numExperts, topK } = sizes;
  const spans: CollectiveSpan[] = [];
  const mesh = createMesh(
    timeCollectives(world, (span) => spans.push(span)),
    { ep: world.size },
  );
  const layer = new MoELayer({
    ...{ features, hidden, numExperts, topK, name: "moe", sharedExperts: { hidden } },
    parallel: { mesh, expertAxis: "ep" },
  });
  initialize({ layer }, { seed });
  const place = (t: tf.Tensor): tf.Tensor => tf.tidy(() => shard(t, mesh, { ep: Shard(0) }));
  const x = tf.variable(place(wave([tokens, features], 1)));
  const dy = place(wave([tokens, features], 2));
  const variablesOf = (module: object): tf.Variable[] => [
    x,
    ...[...namedParameters(module).values()].map(({ variable }) => variable),
  ];
  const all = { dy, by: variablesOf({ layer }) };
  const shared = { dy, by: variablesOf({ shared: layer.shared }) };
  const rows = new Float32Array(Math.floor((tokens * topK) / world.size ** 2) * features * world.size);
  const aloneCpu: number[] = [];
  const inTime = (body: () => void): Sample => {
    world.group.barrier();
    spans.length = 0;
    return timeHere(body);
  };
  const exchanges: number[] = [];
  const {
    layer: whole,
    alone,
    shared: sharedMs,
  } = interleave(
    {
      layer: () => {
        const { wallMs } = inTime(() => {
          differentiate(() => layer.apply(x), all);
        });
        const moving = spans.filter(({ label }) => /^(dispatch|combine)/.test(label));
        exchanges.push(moving.reduce((sum, { durationMs }) => sum + durationMs, 0));
        return wallMs;
      },
      alone: () => {
        const { wallMs, cpuMs } = inTime(() => {
          for (let i = 0; i < NUM_EXCHANGES; i++) mesh.group("ep").allToAll(rows, { label: "rows alone" });
        });
        aloneCpu.push(cpuMs);
        return wallMs;
      },
      shared: () =>
        inTime(() => {
          differentiate(() => layer.shared!.apply(x), shared);
        }).wallMs,
    },
    { rounds, warmUp },
  );
  return {
    ...{ layer: whole, alone, shared: sharedMs },
    exchanges: exchanges.slice(warmUp),
    aloneCpu: aloneCpu.slice(warmUp),
  };
});
