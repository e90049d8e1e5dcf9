/**
 * What routing and its losses send, on a batch whose rows are split.
 */
import { defineProgram, initialize, type LedgerTotal } from "@meshwright/core";
import {
  countCommunication,
  createMesh,
  formatPlacement,
  placementsOf,
  shard,
  Shard,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import { importanceLoss, switchLoss, zLoss } from "../../src/balance-losses.ts";
import type { Routing } from "../../src/choose-experts.ts";
import { chooseTokens } from "../../src/expert-choice.ts";
import { Router } from "../../src/router.ts";

const [T, D, E] = [7, 6, 4];

/** Totals and placements by name. */
export interface RoutingCommunication {
  readonly sent: Readonly<Record<string, readonly LedgerTotal[]>>;
  readonly placements: Readonly<Record<string, string>>;
}

const LOSSES: Readonly<Record<string, (routing: Routing) => tf.Scalar>> = {
  switchLoss: (routing) => switchLoss(routing, { coefficient: 1 }),
  switchLossOfCounts: (routing) => switchLoss(routing, { coefficient: 1, counts: tf.tensor1d([2, 6, 4, 2]) }),
  zLoss: ({ logits }) => zLoss(logits, { coefficient: 1 }),
  importanceLoss: (routing) => importanceLoss(routing, { coefficient: 1 }),
};

export default defineProgram(({ world }): RoutingCommunication => {
  const mesh = createMesh(world, { dp: world.size });
  const options = { features: D, numExperts: E, topK: 2, name: "router" };
  const router = new Router(options);
  const forced = new Router({ ...options, forceBalance: true });
  initialize({ router, forced }, { seed: 1 });
  const sent: Record<string, readonly LedgerTotal[]> = {};
  const placements: Record<string, string> = {};
  const place = (name: string, t: tf.Tensor): void => {
    placements[name] = formatPlacement(placementsOf(t).dp!);
  };
  tf.tidy(() => {
    const x = shard(tf.randomNormal([T, D], 0, 1, "float32", 3), mesh, { dp: Shard(0) });
    const count = <R>(name: string, body: () => R): R => {
      const { result, totals } = countCommunication(world, body);
      sent[name] = totals;
      return result;
    };
    for (const [name, tensor] of Object.entries({ ...count("route", () => router.route(x)) }))
      place(name, tensor);
    place("forced experts", count("forced", () => forced.route(x)).experts);
    for (const [name, lossOf] of Object.entries(LOSSES)) {
      const weight = router.gate.weight.variable;
      const { grads } = count(name, () => tf.variableGrads(() => lossOf(router.route(x)), [weight]));
      place(`${name} gradient`, Object.values(grads)[0]!);
    }
    count("chooseTokens", () => chooseTokens(router.apply(x), { capacity: 3 }));
  });
  router.gate.weight.dispose();
  forced.gate.weight.dispose();
  return { sent, placements };
});
