import {
  checkpoint,
  gradients,
  initialize,
  namedParameters,
  setTraining,
  SGD,
  startEngine,
} from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import type { ExpertLoadRecord } from "./load/expert-load-record.ts";
import { MoELayer } from "./moe-layer.ts";
import { finishMoEStep, moeLayers } from "./moe-layers.ts";
import type { MoELayerOptions } from "./moe-layer-options.ts";
import { setRouterStep } from "./router.ts";

beforeAll(() => startEngine());

const SIZES = { features: 4, hidden: 6, numExperts: 5, topK: 2, name: "moe" } as const;

function create(options: Partial<MoELayerOptions> = {}): MoELayer {
  const layer = new MoELayer({ ...SIZES, ...options });
  initialize({ layer }, { seed: 3 });
  return layer;
}

function wave(shape: number[], seed = 0): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tidy(() => tf.sin(tf.mul(tf.range(0, size), 0.7 + seed / 5)).reshape(shape));
}

/** Every expert on every token, times the softmax over the two largest logits. */
function reference(layer: MoELayer, x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const { up, gate, down } = layer.experts;
    const logits = tf.matMul(x, layer.router.gate.weight.variable).arraySync() as number[][];
    const matrix = (t: tf.Tensor, expert: number): tf.Tensor => tf.gather(t, expert);
    const outputs = Array.from({ length: SIZES.numExperts }, (_, expert) => {
      const hidden = tf.matMul(x, matrix(up.variable, expert));
      const gated = gate && tf.matMul(x, matrix(gate.variable, expert));
      const cubic = tf.add(hidden, tf.mul(0.044715, tf.pow(hidden, 3)));
      const active = gated
        ? tf.mul(tf.mul(gated, tf.sigmoid(gated)), hidden)
        : tf.mul(tf.mul(0.5, hidden), tf.add(1, tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), cubic))));
      const share = logits.map((row) => {
        const best = [...row.keys()].sort((a, b) => row[b]! - row[a]!).slice(0, SIZES.topK);
        const sum = best.reduce((total, i) => total + Math.exp(row[i]!), 0);
        return [best.includes(expert) ? Math.exp(row[expert]!) / sum : 0];
      });
      return tf.mul(tf.matMul(active, matrix(down.variable, expert)), tf.tensor2d(share));
    });
    return tf.addN(outputs);
  });
}

describe("MoELayer on one rank", () => {
  test.each(["gelu", "swiglu"] as const)(
    "is every %s expert on every token, times its weight",
    (activation) => {
      const layer = create({ activation });
      const before = tf.memory().numTensors;
      const x = wave([7, 4]);
      const [y, expected] = [layer.apply(x), reference(layer, x)];
      // Sums of at most 6 terms of magnitude 1.
      expect(tf.tidy(() => tf.max(tf.abs(tf.sub(y, expected))).dataSync()[0])).toBeLessThan(1e-6);
      tf.dispose([x, y, expected]);
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  test("names its parameters, keeps the shape of sequences, and adds shared experts", () => {
    const layer = create({ activation: "swiglu", sharedExperts: { hidden: 3 }, balance: { biasRate: 0.1 } });
    expect([...namedParameters(layer).keys()]).toEqual([
      ...["router.gate.weight", "experts.up", "experts.gate", "experts.down"],
      ...["shared.gate.weight", "shared.up.weight", "shared.down.weight", "expertBias"],
    ]);
    tf.tidy(() => {
      const x = wave([2, 3, 4]);
      const rows = tf.reshape(x, [6, 4]);
      const shared = layer.shared!.apply(rows);
      const y = layer.apply(x);
      expect(y.shape).toEqual([2, 3, 4]);
      const rest = tf.sub(tf.reshape(y, [6, 4]), shared);
      expect(tf.max(tf.abs(tf.sub(rest, reference(layer, rows)))).dataSync()[0]).toBeLessThan(1e-6);
    });
  });

  test("padding to the capacity changes nothing but the rows that experts multiply", () => {
    const capacity = { factor: 0.7, scope: "rank", renormalize: true } as const;
    const [plain, padded] = [create({ capacity }), create({ capacity: { ...capacity, pad: true } })];
    tf.tidy(() => {
      const x = wave([7, 4]);
      const run = (layer: MoELayer) =>
        tf.valueAndGrad((t: tf.Tensor) => tf.sum(tf.square(layer.apply(t))))(x);
      const [a, b] = [run(plain), run(padded)];
      expect([...b.value.dataSync()]).toEqual([...a.value.dataSync()]);
      expect(tf.max(tf.abs(tf.sub(a.grad, b.grad))).dataSync()[0]).toBeLessThan(1e-6);
    });
  });

  test("dropped choices contribute nothing, and are counted", () => {
    const records: ExpertLoadRecord[] = [];
    const layer = create({
      topK: 1,
      router: { order: "scoreFirst" },
      capacity: { factor: 0.01 },
      onLoad: (record) => records.push(record),
    });
    setRouterStep(layer, 12);
    tf.tidy(() => {
      // The same token seven times goes to one expert, which takes one.
      const y = layer.apply(tf.tile(wave([1, 4]), [7, 1])).arraySync() as number[][];
      expect(y[0]!.some((value) => value !== 0)).toBe(true);
      for (const row of y.slice(1)) expect(row).toEqual([0, 0, 0, 0]);
    });
    const [record] = records;
    expect(record).toMatchObject({ layer: "moe", step: 12, dropped: 6, tokens: 7 });
    expect([...record!.counts].sort()).toEqual([0, 0, 0, 0, 7]);
  });

  test("where experts choose, a token that none takes gets nothing", () => {
    const records: ExpertLoadRecord[] = [];
    const layer = create({ topK: 1, expertChoice: true, onLoad: (record) => records.push(record) });
    tf.tidy(() => {
      // Seven equal tokens: each of 5 experts takes ceil(7 / 5) = 2, among equals the first ones.
      const y = layer.apply(tf.tile(wave([1, 4]), [7, 1])).arraySync() as number[][];
      expect(y[1]).toEqual(y[0]);
      expect(y[0]!.some((value) => value !== 0)).toBe(true);
      for (const row of y.slice(2)) expect(row).toEqual([0, 0, 0, 0]);
    });
    expect([...records[0]!.counts]).toEqual([2, 2, 2, 2, 2]);
    expect(records[0]).toMatchObject({ dropped: 0, tokens: 7 });
  });

  test("losses, records and counts are of training passes, and not of recomputed ones", () => {
    const records: ExpertLoadRecord[] = [];
    const layer = create({ balance: { loss: 0.5, biasRate: 0.1 }, onLoad: (record) => records.push(record) });
    const x = wave([6, 4]);
    setTraining(layer, false);
    layer.apply(x).dispose();
    expect([records.length, layer.losses]).toEqual([0, {}]);
    setTraining(layer, true);
    const block = checkpoint((t: tf.Tensor) => layer.apply(t));
    const again = gradients(layer, () => tf.sum(block(x)));
    expect(records).toHaveLength(1);
    expect(layer.stepCounts.reduce((a, b) => a + b)).toBe(12);
    const once = gradients(layer, () => tf.sum(layer.apply(x)));
    expect(records).toHaveLength(2);
    expect(layer.losses.loss).toBeGreaterThan(0.4);
    for (const [name, gradient] of once.grads) {
      expect([...again.grads.get(name)!.dataSync()], name).toEqual([...gradient.dataSync()]);
    }
    tf.dispose([x, again.loss, once.loss, ...again.grads.values(), ...once.grads.values()]);
  });

  test("the bias has no gradient, moves once per step towards experts that are rarely chosen", () => {
    const layer = create({ balance: { biasRate: 0.25 } });
    const model = { blocks: [layer] };
    expect([...moeLayers(model).keys()]).toEqual(["blocks.0"]);
    const x = wave([9, 4]);
    const { loss, grads } = gradients(model, () => tf.sum(layer.apply(x)));
    expect([...grads.keys()]).not.toContain("blocks.0.expertBias");
    new SGD(namedParameters(model), { learningRate: 0.1 }).step(grads);
    layer.apply(x).dispose();
    const counts = layer.stepCounts;
    expect(counts.reduce((a, b) => a + b)).toBe(2 * 18);
    finishMoEStep(model);
    expect([...layer.expertBias!.variable.dataSync()]).toEqual(
      counts.map((n) => 0.25 * Math.sign(36 / 5 - n)),
    );
    finishMoEStep(model);
    expect(layer.stepCounts).toEqual([0, 0, 0, 0, 0]);
    tf.dispose([x, loss, ...grads.values()]);
  });

  test("the global loss of the last micro-batch is that of the counts of all", () => {
    const layer = create({ balance: { globalLoss: 1 } });
    tf.tidy(() => {
      const [a, b] = [wave([3, 4], 1), wave([5, 4], 2)];
      layer.apply(a);
      layer.apply(b);
      const counts = layer.stepCounts;
      const { scores } = layer.router.route(b);
      const mean = tf.mean(scores, 0).dataSync();
      const expected = counts.reduce((sum, count, i) => sum + (5 * count * mean[i]!) / 16, 0);
      expect(Math.abs(layer.losses.globalLoss! - expected)).toBeLessThan(1e-6);
    });
  });
});

describe("MoELayer refuses", () => {
  test("settings that are wrong, all at once", () => {
    const options = {
      ...{ ...SIZES, hidden: 0 },
      balance: { loss: -1 },
      capacity: { factor: 0, minimum: 0, pad: true },
      dispatcher: "all-gather",
    } as const;
    expect(() => new MoELayer(options)).toThrow(
      [
        "MoELayer moe:",
        "- hidden (0) must be a positive integer; use for example 64.",
        "- balance.loss (-1) must be at least 0 and finite; use for example loss: 0.01.",
        "- capacity.factor (0) must be positive and finite; use 1 for an even share, or leave capacity out to drop nothing.",
        "- capacity.minimum (0) must be an integer of at least 1, because an expert of capacity 0 learns nothing; use 1.",
        '- capacity.pad (true) must be used with capacity.scope ("global") "rank", because every rank pads to the capacity of its own tokens; use scope: "rank", or leave pad out.',
        '- capacity.pad (true) must be left out with dispatcher ("all-gather"), which sends no rows to experts; use dispatcher: "all-to-all".',
        '- dispatcher ("all-gather") must be left out without parallel.expertAxis, because all experts are on every rank.',
      ].join("\n"),
    );
  });

  test("more experts per token than there are", () => {
    expect(() => new MoELayer({ ...SIZES, topK: 6 })).toThrow(
      "Router moe.router: topK (6) must be an integer from 1 to numExperts (5); use for example topK: 2.",
    );
  });

  test("a bias that a forced balance ignores", () => {
    const options = { ...SIZES, router: { forceBalance: true }, balance: { biasRate: 0.01 } };
    expect(() => new MoELayer(options)).toThrow(
      "MoELayer moe: balance.biasRate (0.01) must be left out with router.forceBalance (true), which ignores the bias.",
    );
  });

  test("settings that have nothing to do where experts choose", () => {
    const options = {
      ...{ ...SIZES, expertChoice: true, capacity: { factor: 1 } },
      router: { order: "scoreFirst", jitter: 0.01 },
      ...{ seed: 1, balance: { loss: 0.01, zLoss: 0.001 } },
    } as const;
    const why =
      "must be left out with expertChoice (true), where scores are a softmax over all experts and every expert takes the same number of tokens; leave out one of the two.";
    expect(() => new MoELayer(options)).toThrow(
      [
        "MoELayer moe:",
        `- capacity ({"factor":1}) ${why}`,
        `- router.order ("scoreFirst") ${why}`,
        `- balance.loss (0.01) ${why}`,
      ].join("\n"),
    );
  });

  test("inputs of another shape, and logits that are no numbers, with layer and step", () => {
    const layer = create();
    expect(() => layer.apply(tf.ones([3, 5]))).toThrow(
      "MoELayer moe: the input (shape [3, 5]) must be [tokens, 4] or [sequences, positions, 4]; use the features that the layer was built with.",
    );
    setRouterStep(layer, 7);
    expect(() => layer.apply(tf.tensor2d([[1, NaN, 2, 3]]))).toThrow(
      "Router moe.router at step 7: logits (NaN for token 0, expert 0) must be finite",
    );
    expect(() => create({ balance: { sequenceLoss: 0.1 } }).apply(tf.ones([3, 4]))).toThrow(
      "MoELayer moe: the input (shape [3, 4]) must be [sequences, positions, features] with balance.sequenceLoss; use x.reshape([sequences, -1, 4]), or balance.loss.",
    );
  });
});
