import { ContractError, initialize, namedParameters, startEngine } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { chooseExperts } from "./choose-experts.ts";
import { resolveChoice, type ChoiceOptions } from "./router-options.ts";
import { Router, setRouterStep, type RouterOptions } from "./router.ts";

beforeAll(() => startEngine());

let before = 0;
const routers: Router[] = [];
beforeEach(() => {
  before = tf.memory().numTensors;
});
afterEach(() => {
  for (const router of routers.splice(0)) router.gate.weight.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

function createRouter(options: Partial<RouterOptions> = {}): Router {
  const router = new Router({
    features: 5,
    numExperts: 6,
    topK: 2,
    name: "moe.router",
    ...options,
  });
  initialize({ router }, { seed: 1 });
  routers.push(router);
  return router;
}

function choose(logits: tf.Tensor, options: Partial<ChoiceOptions> = {}): readonly [number[], number[]] {
  const numExperts = logits.shape[1]!;
  const choice = resolveChoice("test", { numExperts, topK: 2, ...options });
  const routing = chooseExperts(logits, choice);
  const read = [routing.experts, routing.weights].map((t) => Array.from(t.dataSync()));
  tf.dispose([logits, { ...routing }]);
  return [read[0]!, read[1]!];
}

describe("the choice", () => {
  test("takes the lower expert among equal scores, also at the edge of the K", () => {
    const [experts] = choose(tf.tensor2d([1, 3, 1, 3, 3, 0, 2, 2, 2, 2, 2, 2], [2, 6]), {
      topK: 4,
    });
    expect(experts).toEqual([1, 3, 4, 0, 0, 1, 2, 3]);
  });

  test("takes the lower expert of 40 equal ones", () => {
    const [experts] = choose(tf.zeros([1, 40]), { topK: 7 });
    expect(experts).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test.each<Partial<ChoiceOptions>>([
    {},
    { order: "scoreFirst", renormalize: true },
    { scoreFunction: "sigmoid" },
  ])("gives each token weights that sum to 1 with %o", (options) => {
    const [, weights] = choose(tf.randomNormal([9, 7], 0, 4, "float32", 2), {
      topK: 3,
      ...options,
    });
    for (let t = 0; t < 9; t++) {
      const row = weights.slice(3 * t, 3 * t + 3);
      expect(Math.abs(row.reduce((a, b) => a + b) - 1)).toBeLessThan(3e-7);
    }
  });

  test("stays inside the best groups, whose experts may be worse than others", () => {
    // Groups (0, 1), (2, 3), (4, 5): the best expert, 2, is in a group of a lower sum.
    const logits = (): tf.Tensor => tf.tensor2d([3, 3, 4, -9, 1, 1], [1, 6]);
    const limited = { count: 3, perToken: 1 };
    expect(choose(logits(), { groups: limited })[0]).toEqual([0, 1]);
    expect(choose(logits(), { groups: { ...limited, score: "max" } })[0]).toEqual([2, 3]);
    expect(choose(logits())[0]).toEqual([2, 0]);
  });
});

describe("Router", () => {
  test("is found by namedParameters, has one weight, and leaves nothing but its results", () => {
    const router = createRouter();
    expect([...namedParameters({ router }).keys()]).toEqual(["router.gate.weight"]);
    const x = tf.ones([4, 5]);
    const live = tf.memory().numTensors;
    const routing = router.route(x);
    expect(tf.memory().numTensors).toBe(live + 5);
    expect([routing.experts.dtype, routing.weights.dtype]).toEqual(["int32", "float32"]);
    tf.dispose([x, { ...routing }]);
  });

  test("draws another jitter each call while training, within its width, and none in evaluation", () => {
    const router = createRouter({ jitter: 0.125, seed: 3 });
    router.gate.weight.assign(tf.tidy(() => tf.eye(5, 6)));
    const x = tf.ones([40, 5]);
    const read = (): Float32Array => {
      const logits = router.apply(x);
      const values = logits.dataSync<"float32">();
      logits.dispose();
      return values.filter((value) => value !== 0);
    };
    const [first, second] = [read(), read()];
    expect(first).not.toEqual(second);
    expect(Math.min(...first)).toBeGreaterThanOrEqual(0.875);
    expect(Math.max(...first)).toBeLessThan(1.125);
    expect(Math.max(...first) - Math.min(...first)).toBeGreaterThan(0.2);
    router.callIndex = 0;
    expect(read()).toEqual(first);
    router.training = false;
    expect(new Set(read())).toEqual(new Set([1]));
    x.dispose();
  });

  test("adds noise by its own weight while training, and differentiates it", () => {
    const router = createRouter({ noise: true, seed: 3 });
    expect([...namedParameters({ router }).keys()]).toEqual(["router.gate.weight", "router.noise.weight"]);
    const x = tf.randomNormal([9, 5], 0, 1, "float32", 4);
    const read = (): Float32Array => {
      const logits = router.apply(x);
      const values = logits.dataSync<"float32">().slice();
      logits.dispose();
      return values;
    };
    const first = read();
    expect(read()).not.toEqual(first);
    router.callIndex = 0;
    expect(read()).toEqual(first);
    router.training = false;
    const clean = read();
    // softplus(0) = ln 2 is the deviation of every logit while the noise weight is zero; 54 draws.
    const deviation = Math.sqrt(first.reduce((sum, value, i) => sum + (value - clean[i]!) ** 2, 0) / 54);
    expect(Math.abs(deviation - Math.LN2)).toBeLessThan(0.2);
    router.training = true;
    const { value, grads } = tf.variableGrads(
      () => router.route(x).logits.square().sum<tf.Scalar>(),
      [router.noise!.weight.variable],
    );
    const [gradient] = Object.values(grads);
    expect(Math.max(...gradient!.dataSync().map(Math.abs))).toBeGreaterThan(1e-3);
    tf.dispose([x, value, gradient!]);
    router.noise!.weight.dispose();
  });

  test("balances by force, and keeps the gate's gradient", () => {
    const router = createRouter({ forceBalance: true });
    const x = tf.randomNormal([9, 5], 0, 1, "float32", 4);
    const routing = router.route(x);
    const counts = [0, 0, 0, 0, 0, 0];
    for (const expert of routing.experts.dataSync()) counts[expert]! += 1;
    expect(counts).toEqual([3, 3, 3, 3, 3, 3]);
    const { value, grads } = tf.variableGrads(
      () => router.route(x).weights.square().sum<tf.Scalar>(),
      [router.gate.weight.variable],
    );
    const [gradient] = Object.values(grads);
    const largest = Math.max(...gradient!.dataSync().map(Math.abs));
    expect(largest).toBeGreaterThan(1e-3);
    tf.dispose([x, value, gradient!, { ...routing }]);
  });

  test("names layer, step, token and expert of a logit that is no number", () => {
    const router = createRouter();
    setRouterStep({ blocks: [{ router }] }, 17);
    const x = tf.tensor2d([1, 1, 1, 1, 1, 1, NaN, 1, 1, 1], [2, 5]);
    expect(() => router.route(x)).toThrow(
      new ContractError(
        "Router moe.router at step 17: logits (NaN for token 1, expert 0) must be finite; use a smaller learning rate, zLoss, or clipGradNorm.",
      ),
    );
    x.dispose();
  });

  test.each<[Partial<RouterOptions>, string]>([
    [
      {},
      'topK (1) must not be used with order (chooseFirst), whose weight would be 1 whatever the gate says; use order: "scoreFirst".',
    ],
    [
      { order: "scoreFirst", renormalize: true },
      "renormalize (true) must be left out with topK (1), whose weight would be 1 whatever the gate says; leave it out.",
    ],
  ])("refuses a single choice whose weight teaches the gate nothing: %o", (options, problem) => {
    const settings = { features: 5, numExperts: 4, topK: 1, name: "r" };
    expect(() => new Router({ ...settings, ...options })).toThrow(new ContractError(`Router r: ${problem}`));
    // A single expert has the weight 1 by right.
    expect(new Router({ ...settings, numExperts: 1 }).choice.order).toBe("chooseFirst");
  });

  test("rejects settings, all at once", () => {
    expect(() => new Router({ features: 5, numExperts: 4, topK: 5, name: "r", renormalize: true })).toThrow(
      new ContractError(
        'Router r:\n- topK (5) must be an integer from 1 to numExperts (4); use for example topK: 2.\n- renormalize (true) must be left out with order (chooseFirst), whose weights always sum to 1; use order: "scoreFirst".',
      ),
    );
    expect(() => new Router({ features: 5, numExperts: 4, topK: 2, name: "r", jitter: 0.1 })).toThrow(
      new ContractError(
        "Router r: seed (undefined) must be given with jitter (0.1); use for example seed: 1.",
      ),
    );
    expect(
      () =>
        new Router({
          features: 5,
          numExperts: 6,
          topK: 2,
          name: "r",
          groups: { count: 4, perToken: 1 },
        }),
    ).toThrow(new ContractError("Router r: groups.count (4) must divide numExperts (6); use a divisor."));
  });
});
