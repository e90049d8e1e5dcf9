import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { TEST_BACKENDS, useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { crossEntropy } from "../nn/cross-entropy.ts";
import { GPT } from "../nn/gpt.ts";
import { initialize } from "../nn/initialize.ts";
import { Linear } from "../nn/linear.ts";
import { namedParameters } from "../nn/module.ts";
import { AdamW } from "./adamw.ts";
import { clipGradNorm } from "./clip-grad-norm.ts";
import { gradients } from "./gradients.ts";
import { noDecayForVectors } from "./parameter-group.ts";
import { warmupCosine } from "./warmup-cosine.ts";

function linear(): { readonly model: Linear; readonly parameters: ReturnType<typeof namedParameters> } {
  const model = new Linear({ inFeatures: 2, outFeatures: 3 });
  initialize(model, { seed: 1 });
  model.bias!.assign(tf.fill([3], 2));
  return { model, parameters: namedParameters(model) };
}

describe.each(TEST_BACKENDS)("training on the %s backend", (backendName) => {
  beforeAll(() => useTestEngine(backendName));

  test("200 steps learn a sequence by heart and leave no tensor", () => {
    const sizes = { vocabSize: 7, contextLength: 6, features: 8, heads: 2, layers: 1 };
    const before = tf.memory().numTensors;
    const model = new GPT({ ...sizes, dropout: { rate: 0.1, seed: 1 } });
    initialize(model, { seed: 1 });
    const parameters = namedParameters(model);
    const learningRate = warmupCosine({ peak: 0.03, warmupSteps: 10, totalSteps: 200 });
    const optimizer = new AdamW(parameters, { learningRate, groups: [noDecayForVectors] });
    const tokens = tf.tensor2d([[0, 1, 2, 3, 4, 5]], [1, 6], "int32");
    const labels = tf.tensor2d([[1, 2, 3, 4, 5, 6]], [1, 6], "int32");
    const steady = tf.memory();
    const losses: number[] = [];
    for (let step = 0; step < 200; step++) {
      const { loss, grads } = gradients(model, () => crossEntropy(model.apply(tokens), labels));
      const clipped = clipGradNorm(grads, 1);
      optimizer.step(clipped.grads);
      losses.push(loss.dataSync()[0]!);
      tf.dispose([loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
    }
    expect(losses[0]).toBeGreaterThan(1.8);
    expect(losses[199]).toBeLessThan(0.1);
    expect(tf.memory().numTensors).toBe(steady.numTensors);
    expect(tf.memory().numBytes).toBe(steady.numBytes);
    optimizer.dispose();
    for (const parameter of parameters.values()) parameter.dispose();
    tf.dispose([tokens, labels]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("a step inside tidy keeps parameters and moments", () => {
    const { model, parameters } = linear();
    const optimizer = new AdamW(parameters);
    tf.tidy(() => {
      optimizer.step(new Map([["weight", tf.ones([2, 3])]]));
    });
    expect(model.weight.variable.dataSync()).toHaveLength(6);
    expect([...optimizer.states.get("weight")!.m.dataSync()]).toEqual(Array(6).fill(Math.fround(1 - 0.9)));
    expect([...parameters].map(([name]) => optimizer.states.get(name)!.step)).toEqual([1, 0]);
  });
});

describe("AdamW", () => {
  beforeAll(() => useTestEngine("cpu"));

  test("groups set decay and scale of the parameters that they match; the first match counts", () => {
    const { model, parameters } = linear();
    const weight = [...model.weight.variable.dataSync()];
    const optimizer = new AdamW(parameters, {
      learningRate: 0.5,
      weightDecay: 0.1,
      groups: [noDecayForVectors, { match: () => true, weightDecay: 0.3, learningRateScale: 0.5 }],
    });
    optimizer.step(new Map([...parameters].map(([name, p]) => [name, tf.zerosLike(p.variable)])));
    // A zero gradient leaves the decay alone: 1 - (0.5 * 0.5) * 0.3 for the weight, nothing for the bias.
    expect([...model.weight.variable.dataSync()]).toEqual(
      weight.map((w) => Math.fround(w * (1 - 0.25 * 0.3))),
    );
    expect([...model.bias!.variable.dataSync()]).toEqual([2, 2, 2]);
  });

  test("a schedule is asked with the number of steps done", () => {
    const { parameters } = linear();
    const optimizer = new AdamW(parameters, { learningRate: (step) => 1 / (step + 1) });
    expect([optimizer.numSteps, optimizer.learningRate]).toEqual([0, 1]);
    optimizer.step(new Map());
    expect([optimizer.numSteps, optimizer.learningRate]).toEqual([1, 0.5]);
  });

  test("a restored optimizer goes on as the first would have", () => {
    const [first, second] = [linear(), linear()];
    const grads = new Map<string, tf.Tensor>([
      ["weight", tf.tensor2d([1, -2, 3, 0.5, 0, 1], [2, 3])],
      ["bias", tf.tensor1d([1, 2, 3])],
    ]);
    const a = new AdamW(first.parameters, { learningRate: 0.1 });
    a.step(grads);
    for (const [name, parameter] of second.parameters)
      parameter.assign(first.parameters.get(name)!.variable.clone());
    const b = new AdamW(second.parameters, { learningRate: 0.1 });
    const live = tf.memory().numTensors;
    b.restore(
      a.numSteps,
      new Map([...a.states].map(([name, { m, v, step }]) => [name, { m: m.clone(), v: v.clone(), step }])),
    );
    expect(tf.memory().numTensors).toBe(live);
    a.step(grads);
    b.step(grads);
    expect(b.numSteps).toBe(2);
    for (const [name, parameter] of first.parameters) {
      expect([...second.parameters.get(name)!.variable.dataSync()]).toEqual([
        ...parameter.variable.dataSync(),
      ]);
    }
  });

  test("state can be made by the caller", () => {
    const { parameters } = linear();
    const made: string[] = [];
    const createState = (variable: tf.Tensor, name: string): tf.Tensor => {
      made.push(name);
      return tf.zeros(variable.shape);
    };
    new AdamW(parameters, { createState }).dispose();
    expect(made).toEqual(["weight", "weight", "bias", "bias"]);
  });

  test("bad settings, groups and gradients are refused", () => {
    const { parameters } = linear();
    expect(
      () => new AdamW(parameters, { learningRate: -1, betas: [0.9, 1], epsilon: NaN, weightDecay: -2 }),
    ).toThrow(
      new ContractError(
        [
          "AdamW: settings must be in range:",
          "- learningRate (-1) must be at least 0; use for example 1e-3",
          "- betas[1] (1) must be in [0, 1); use for example 0.9",
          "- epsilon (NaN) must be at least 0; use for example 1e-8",
          "- weightDecay (-2) must be at least 0; use for example 0.1",
        ].join("\n"),
      ),
    );
    expect(() => new AdamW(parameters, { groups: [noDecayForVectors, { match: () => false }] })).toThrow(
      new ContractError(
        "AdamW: groups[1] must match at least one of the 2 parameters (weight, bias, ...); use a predicate that fits their names, or leave the group out.",
      ),
    );
    const optimizer = new AdamW(parameters);
    expect(() => {
      optimizer.step(new Map([["weights", tf.zeros([2, 3])]]));
    }).toThrow(
      new ContractError(
        "AdamW.step: grads (weights) must be named as the optimizer's parameters; use gradients(model, ...) of the same model.",
      ),
    );
    expect(() => {
      optimizer.step(new Map([["weight", tf.zeros([3, 2])]]));
    }).toThrow(
      new ContractError(
        "adamWUpdate: gradient (shape [3, 2]) must have shape [2, 3], the parameter's; use matching sizes.",
      ),
    );
    optimizer.dispose();
    expect(() => {
      optimizer.step(new Map([["weight", tf.zeros([2, 3])]]));
    }).toThrow(
      new ContractError("AdamW.step: the optimizer (disposed) must still hold its moments; use a new AdamW."),
    );
  });
});
