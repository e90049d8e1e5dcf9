/**
 * Expert choice and the balance bias on a batch whose rows are split.
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
import { BalanceBias } from "../../src/balance-bias.ts";
import { chooseTokens } from "../../src/expert-choice.ts";
import { Router } from "../../src/router.ts";

const [T, D, E] = [7, 6, 4];

export default defineProgram<{ readonly mesh: MeshAxes }, unknown, NamedValues>(({ world, options }) => {
  const mesh = createMesh(world, { dp: options.mesh.dp ?? 1 });
  const live = tf.memory().numTensors;
  const router = new Router({ features: D, numExperts: E, topK: 2, name: "router" });
  const balance = new BalanceBias({ numExperts: E, rate: 0.25 });
  initialize({ router }, { seed: 1 });
  const result: Record<string, NamedValues[string]> = {};
  tf.tidy(() => {
    const x = shard(tf.randomNormal([T, D], 0, 1, "float32", 3), mesh, { dp: Shard(0) });
    balance.record(router.route(x, balance.tensor()).experts);
    const counts = tf.tensor1d([...balance.counts]);
    balance.update();
    const { tokens, weights } = chooseTokens(router.apply(x), { capacity: 3 });
    const { value, grads } = tf.variableGrads(
      () =>
        tf.sum(
          tf.mul(chooseTokens(router.apply(x), { capacity: 3 }).weights, tf.range(1, 13).reshape([E, 3])),
        ),
      [router.gate.weight.variable],
    );
    const gradient = Object.values(grads)[0]!;
    const bias = balance.tensor();
    Object.assign(result, collectValues({ counts, bias, tokens, weights, value, gradient }));
  });
  router.gate.weight.dispose();
  if (tf.memory().numTensors !== live) throw new Error("leaks tensors");
  return result;
});
