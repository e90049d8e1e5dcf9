import { ContractError, startEngine } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { nextBalanceBias, BalanceBias } from "./balance-bias.ts";
import { expertCounts, importanceLoss, sequenceSwitchLoss, switchLoss, zLoss } from "./balance-losses.ts";
import { chooseExperts } from "./choose-experts.ts";
import { chooseTokens } from "./expert-choice.ts";
import { forcedExperts } from "./forced-balance.ts";
import { resolveChoice } from "./router-options.ts";

beforeAll(() => startEngine());

let before = 0;
beforeEach(() => {
  before = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(before);
});

function read(t: tf.Tensor): number[] {
  const values = Array.from(t.dataSync());
  t.dispose();
  return values;
}

describe("balance losses", () => {
  test("uniform routing costs exactly the coefficient", () => {
    const scores = tf.fill([16, 8], 1 / 8);
    const experts = forcedExperts(16, { numExperts: 8, topK: 2 });
    expect(read(switchLoss({ scores, experts }, { coefficient: 0.25 }))).toEqual([0.25]);
    expect(read(sequenceSwitchLoss({ scores, experts }, { coefficient: 0.25, sequences: 4 }))).toEqual([
      0.25,
    ]);
    const weights = tf.fill([16, 2], 0.5);
    expect(read(importanceLoss({ scores, experts, weights }, { coefficient: 0.25 }))).toEqual([0]);
    tf.dispose([scores, experts, weights]);
  });

  test("one expert that takes all costs E times as much", () => {
    const scores = tf.tidy(() => tf.oneHot(tf.zeros([5], "int32"), 4).toFloat());
    const experts = tf.zeros([5, 1], "int32");
    expect(read(switchLoss({ scores, experts }, { coefficient: 0.5 }))).toEqual([2]);
    tf.dispose(scores);
    experts.dispose();
  });

  test("with the counts of all micro-batches, their mean loss is the whole batch's", () => {
    const choice = resolveChoice("test", { numExperts: 5, topK: 2 });
    const logits = tf.randomNormal([12, 5], 0, 1, "float32", 1);
    const whole = chooseExperts(logits, choice);
    const counts = expertCounts(whole.experts, 5);
    const [expected] = read(switchLoss(whole, { coefficient: 1 }));
    const losses = [0, 4, 8].map((row) => {
      const part = { scores: whole.scores.slice([row], [4]), experts: whole.experts.slice([row], [4]) };
      const [loss] = read(switchLoss(part, { coefficient: 1, counts }));
      tf.dispose([part.scores, part.experts]);
      return loss!;
    });
    // Three sums of float32 against one.
    expect(Math.abs(losses.reduce((a, b) => a + b) / 3 - expected!)).toBeLessThan(1e-6);
    tf.dispose([logits, counts, { ...whole }]);
  });

  test("the z-loss of equal logits is the square of the logarithm of E", () => {
    const logits = tf.zeros([3, 7]);
    expect(Math.abs(read(zLoss(logits, { coefficient: 2 }))[0]! - 2 * Math.log(7) ** 2)).toBeLessThan(1e-5);
    logits.dispose();
  });

  test("rejects a negative coefficient and sequences that do not fit", () => {
    const scores = tf.ones([6, 2]);
    const experts = tf.zeros([6, 1], "int32");
    expect(() => zLoss(scores, { coefficient: -1 })).toThrow(
      new ContractError(
        "zLoss: coefficient (-1) must be at least 0 and finite; use for example coefficient: 0.01.",
      ),
    );
    expect(() => sequenceSwitchLoss({ scores, experts }, { coefficient: 1, sequences: 4 })).toThrow(
      new ContractError("sequenceSwitchLoss: sequences (4) must divide the tokens (6); use the batch size."),
    );
    tf.dispose([scores, experts]);
  });
});

describe("BalanceBias", () => {
  test("moves against the load by the rate, once per step", () => {
    const balance = new BalanceBias({ numExperts: 4, rate: 0.5 });
    for (const experts of [
      tf.tensor2d([0, 1, 0, 2], [2, 2], "int32"),
      tf.tensor2d([0, 1], [1, 2], "int32"),
    ]) {
      balance.record(experts);
      experts.dispose();
    }
    expect(balance.counts).toEqual([3, 2, 1, 0]);
    balance.update();
    expect([...balance.values]).toEqual([-0.5, -0.5, 0.5, 0.5]);
    expect(balance.counts).toEqual([0, 0, 0, 0]);
    balance.update();
    expect([...balance.values]).toEqual([-0.5, -0.5, 0.5, 0.5]);
    balance.load([1, 2, 3, 4]);
    expect(read(balance.tensor())).toEqual([1, 2, 3, 4]);
  });

  test("leaves an expert with the mean load alone, and rejects other sizes", () => {
    expect([...nextBalanceBias(new Float32Array(3), { counts: [1, 2, 3], rate: 0.5 })]).toEqual([
      0.5, 0, -0.5,
    ]);
    expect(() => nextBalanceBias(new Float32Array(3), { counts: [1, 2], rate: 1 })).toThrow(
      new ContractError("nextBalanceBias: counts (2) must be one per expert (3); use expertCounts."),
    );
  });
});

describe("chooseTokens", () => {
  test("gives every expert its best tokens, the earlier among equal ones", () => {
    const logits = tf.tensor2d([0, 0, 2, 0, 0, 0, 0, 1], [4, 2]);
    const { tokens, weights, scores } = chooseTokens(logits, { capacity: 3 });
    expect(read(tokens)).toEqual([1, 0, 2, 3, 0, 2]);
    const all = read(scores);
    expect(read(weights)).toEqual([all[2], all[0], all[4], all[7], all[1], all[5]]);
    expect(() => chooseTokens(logits, { capacity: 5 })).toThrow(
      new ContractError(
        "chooseTokens: capacity (5) must be an integer from 1 to the tokens (4); use Math.ceil(tokens / experts).",
      ),
    );
    logits.dispose();
  });
});
