/**
 * What every rank of a world runs: a mixture-of-experts layer on its part of the batch, forward and backward, in turns
 * with other worlds.
 *
 * @packageDocumentation
 */
import { defineProgram, initialize, namedParameters, type LedgerTotal } from "@meshwright/core";
import { MoELayer } from "@meshwright/moe";
import { countCommunication, createMesh, shard, Shard } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { timeHere, type Sample } from "../data-parallel/thread-cpu.ts";
import { awaitTurn, endTurn, type Turns } from "../step/turns.ts";
import { differentiate, wave, type MoESizes } from "./sizes.ts";

/** Options of the program; the same on every rank. */
export interface LayerOptions {
  readonly sizes: MoESizes;
  readonly dispatcher: "all-to-all" | "all-gather";
  readonly seed: number;
  readonly rounds: number;
  readonly warmUp: number;
  readonly turns: Turns;
  readonly player: number;
}

/** What a rank measured. */
export interface LayerResult {
  readonly engine: string;
  readonly samples: readonly Sample[];
  /** Of one pass, forward and backward. */
  readonly communication: readonly LedgerTotal[];
}

export default defineProgram<LayerOptions, never, LayerResult>(({ world, options }) => {
  const { sizes, dispatcher, seed, rounds, warmUp, turns, player } = options;
  const { tokens, features, hidden, experts: numExperts, topK } = sizes;
  const mesh = createMesh(world, { ep: world.size });
  const layer = new MoELayer({
    ...{ features, hidden, numExperts, topK, name: "moe", dispatcher },
    parallel: { mesh, expertAxis: "ep" },
  });
  initialize({ layer }, { seed });
  const place = (t: tf.Tensor): tf.Tensor => tf.tidy(() => shard(t, mesh, { ep: Shard(0) }));
  const x = tf.variable(place(wave([tokens, features], 1)));
  const dy = place(wave([tokens, features], 2));
  const by = [x, ...[...namedParameters(layer).values()].map(({ variable }) => variable)];
  const samples: Sample[] = [];
  let communication: readonly LedgerTotal[] = [];
  for (let round = 0; round < warmUp + rounds; round++) {
    awaitTurn(turns, player, round);
    world.group.barrier();
    const { result, totals } = countCommunication(world, () =>
      timeHere(() => {
        differentiate(() => layer.apply(x), { dy, by });
      }),
    );
    communication = totals;
    if (round >= warmUp) samples.push(result);
    world.group.barrier();
    if (world.rank === 0) endTurn(turns);
  }
  return { engine: world.engine.name, samples, communication };
});
