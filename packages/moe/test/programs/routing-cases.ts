/**
 * Routes a fixed batch and differentiates everything by the gate.
 */
import { defineProgram, initialize } from "@meshwright/core";
import {
  collectValues,
  createMesh,
  shard,
  Shard,
  type MeshAxes,
  type NamedValues,
} from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";
import {
  expertCounts,
  importanceLoss,
  sequenceSwitchLoss,
  switchLoss,
  zLoss,
} from "../../src/balance-losses.ts";
import type { Routing } from "../../src/choose-experts.ts";
import type { ChoiceOptions } from "../../src/router-options.ts";
import { Router } from "../../src/router.ts";

/** One way to route. */
export type RoutingCase = Omit<ChoiceOptions, "numExperts"> & {
  readonly bias?: boolean;
  readonly jitter?: number;
  readonly noise?: boolean;
  readonly forceBalance?: boolean;
};

export interface RoutingCasesOptions {
  readonly mesh: MeshAxes;
  readonly cases: Readonly<Record<string, RoutingCase>>;
}

const [T, D, E] = [10, 6, 8];

/** Element `i` is `amplitude * sin(1.3 i + phase)`. */
function wave(shape: number[], phase: number, amplitude = 1): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => amplitude * Math.sin(1.3 * i + phase)),
    shape,
  );
}

/** Routes the whole batch, or `count` rows of it. */
type Route = (first?: number, count?: number) => Routing;

const LOSSES: Readonly<Record<string, (route: Route) => tf.Scalar>> = {
  switch: (route) => switchLoss(route(), { coefficient: 0.3 }),
  accumulated: (route) => accumulatedLoss([route(0, 4), route(4, 6)]),
  sequence: (route) => sequenceSwitchLoss(route(), { coefficient: 0.2, sequences: 2 }),
  z: (route) => zLoss(route().logits, { coefficient: 0.1 }),
  importance: (route) => importanceLoss(route(), { coefficient: 0.4 }),
  weighted: (route) => {
    const { weights } = route();
    return tf.sum(tf.mul(weights, wave(weights.shape, 0.5)));
  },
};

/** The switch loss of a batch in two micro-batches of unequal sizes, each with the counts of both. */
function accumulatedLoss(routings: readonly Routing[]): tf.Scalar {
  const counts = tf.addN(routings.map(({ experts }) => expertCounts(experts, E)));
  const parts = routings.map((routing) =>
    tf.mul<tf.Scalar>(switchLoss(routing, { coefficient: 0.3, counts }), routing.scores.shape[0] / T),
  );
  return tf.addN(parts);
}

export default defineProgram<RoutingCasesOptions, unknown, NamedValues>(({ world, options }) => {
  const mesh = createMesh(world, { dp: options.mesh.dp ?? 1 });
  const result: Record<string, NamedValues[string]> = {};
  for (const [name, { bias, ...choice }] of Object.entries(options.cases)) {
    const live = tf.memory().numTensors;
    const router = new Router({ ...choice, features: D, numExperts: E, name, seed: 5 });
    initialize({ router }, { seed: 1 });
    tf.tidy(() => {
      router.gate.weight.assign(wave([D, E], 1.1, 0.7));
      const x = shard(wave([T, D], 0.4), mesh, { dp: Shard(0) });
      const offset = bias === true ? wave([E], 0.9, 0.5) : undefined;
      const { experts, weights } = router.route(x, offset);
      Object.assign(result, collectValues({ [`${name} experts`]: experts, [`${name} weights`]: weights }));
      for (const [loss, lossOf] of Object.entries(LOSSES)) {
        router.callIndex = 0;
        const { value, grads } = tf.variableGrads(
          () =>
            lossOf((first = 0, count = T) =>
              router.route(count === T ? x : tf.slice(x, [first, 0], [count, D]), offset),
            ),
          [router.gate.weight.variable],
        );
        const gradient = Object.values(grads)[0]!;
        const key = `${name} ${loss}`;
        Object.assign(result, collectValues({ [`${key} value`]: value, [`${key} gradient`]: gradient }));
      }
    });
    router.gate.weight.dispose();
    router.noise?.weight.dispose();
    if (tf.memory().numTensors !== live) throw new Error(`${name} leaks tensors`);
  }
  return result;
});
