/**
 * Layers against PyTorch: values and gradients in `golden/units.json`, made by `golden/units.py`.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import golden from "../../golden/units.json" with { type: "json" };
import { ContractError } from "../../src/errors.ts";
import { tokenCrossEntropy } from "../../src/kernels/cross-entropy.ts";
import { gelu } from "../../src/kernels/gelu.ts";
import { layerNorm } from "../../src/kernels/layer-norm.ts";
import { rmsNorm } from "../../src/kernels/rms-norm.ts";
import { causalAttention } from "../../src/nn/attention.ts";
import { crossEntropy } from "../../src/nn/cross-entropy.ts";
import { SwiGLUMLP } from "../../src/nn/mlp.ts";
import { namedParameters } from "../../src/nn/module.ts";
import { Parameter } from "../../src/nn/parameter.ts";
import { AdamW } from "../../src/optim/adamw.ts";
import { SGD } from "../../src/optim/sgd.ts";
import { expectClose, wave } from "./wave.ts";

// PyTorch computed in float64; ours rounds each step to float32 (6e-8), and a softmax's gradient is a difference of
// nearly equal terms, some 20 times larger than itself.
const relative = 5e-6;

interface Case {
  readonly value: readonly number[];
  readonly gradients: readonly (readonly number[])[];
}

function check(
  name: string,
  expected: Case,
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
): void {
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const value = f(...inputs);
    expectClose(value, expected.value, { relative, what: name });
    const grads = tf.grads(f)(inputs, wave(value.shape, 0.5));
    grads.forEach((grad, i) => {
      expect(grad.shape).toEqual(inputs[i]!.shape);
      expectClose(grad, expected.gradients[i]!, { relative, what: `${name} gradient ${i}` });
    });
  });
  expect(tf.memory().numTensors).toBe(before);
}

/** Declares the tests of single layers on the engine that `start` starts. */
export function describeUnits(engineTitle: string, start: () => Promise<unknown>): void {
  describe(`layers on ${engineTitle}`, () => {
    beforeAll(start);

    const epsilon = 1e-5;
    const geluInputs = (): tf.Tensor[] => [tf.range(-8, 8.25, 0.5)];
    const labels = (): tf.Tensor1D => tf.tensor1d([5, 0, 3, 3], "int32");
    const logits = (): tf.Tensor => wave([4, 6], 0.2, 3);

    test("LayerNorm equals PyTorch's", () => {
      check("layerNorm", golden.layerNorm, (x, gamma, beta) => layerNorm(x, { gamma, beta, epsilon }), [
        wave([2, 3, 5], 0.1),
        wave([5], 0.2, 0.3, 1),
        wave([5], 0.3),
      ]);
    });

    test("RMSNorm equals PyTorch's", () => {
      check("rmsNorm", golden.rmsNorm, (x, gamma) => rmsNorm(x, { gamma, epsilon }), [
        wave([2, 3, 5], 0.1),
        wave([5], 0.2, 0.3, 1),
      ]);
    });

    test("both forms of GELU equal PyTorch's", () => {
      check("geluNone", golden.geluNone, (x) => gelu(x, { approximate: "none" }), geluInputs());
      check("geluTanh", golden.geluTanh, (x) => gelu(x, { approximate: "tanh" }), geluInputs());
    });

    test("cross-entropy equals PyTorch's, per token and as the mean", () => {
      check("crossEntropy", golden.crossEntropy, (x) => tokenCrossEntropy(x, labels()), [logits()]);
      check("crossEntropyMean", golden.crossEntropyMean, (x) => crossEntropy(x, labels()), [logits()]);
      const folded = crossEntropy(tf.reshape(logits(), [2, 2, 6]), tf.reshape(labels(), [2, 2]));
      expectClose(folded, golden.crossEntropyMean.value, { relative, what: "with leading dims" });
    });

    test("cross-entropy refuses a label outside the classes", () => {
      expect(() => tokenCrossEntropy(tf.zeros([2, 3]), tf.tensor1d([0, 3], "int32"))).toThrow(
        new ContractError(
          "CrossEntropy: label at position 1 (3) must be in 0..2, the columns of logits; use labels below 3.",
        ),
      );
    });

    test("causal attention equals PyTorch's, also with more keys than queries", () => {
      const attention = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor => causalAttention(q, { k, v });
      check("attention", golden.attention, attention, [
        wave([2, 3, 4, 5], 0.1),
        wave([2, 3, 4, 5], 0.2),
        wave([2, 3, 4, 5], 0.3),
      ]);
      check("attentionLongKeys", golden.attentionLongKeys, attention, [
        wave([1, 2, 3, 4], 0.1),
        wave([1, 2, 5, 4], 0.2),
        wave([1, 2, 5, 4], 0.3),
      ]);
    });

    test("SwiGLU equals PyTorch's", () => {
      const mlp = new SwiGLUMLP({ features: 3, hiddenFeatures: 4 });
      const weights = [...namedParameters(mlp).values()]; // gate, up, down
      weights.forEach((weight, i) => {
        weight.assign(wave(weight.shape, 0.2 + 0.1 * i));
      });
      const x = wave([2, 3], 0.1);
      const value = mlp.apply(x);
      expectClose(value, golden.swiglu.value, { relative, what: "swiglu" });
      const { grads } = tf.variableGrads(() => tf.sum(tf.mul(mlp.apply(x), wave([2, 3], 0.5))));
      weights.forEach((weight, i) => {
        const grad = grads[weight.variable.name]!;
        expectClose(grad, golden.swiglu.gradients[i + 1]!, { relative, what: `weight gradient ${i}` });
        weight.dispose();
      });
      tf.dispose(grads);
    });

    test("three AdamW steps equal PyTorch's", () => {
      const parameter = new Parameter({ shape: [3, 2], initializer: { kind: "zeros" } });
      parameter.assign(wave([3, 2], 0.4));
      const optimizer = new AdamW(new Map([["w", parameter]]), {
        learningRate: 0.1,
        betas: [0.8, 0.95],
        weightDecay: 0.2,
      });
      golden.adamW.forEach((expected, step) => {
        optimizer.step(new Map([["w", wave([3, 2], step)]]));
        expectClose(parameter.variable, expected, { relative, what: `after step ${step}` });
      });
    });

    test("three steps of SGD with Nesterov momentum and decay equal PyTorch's", () => {
      const parameter = new Parameter({ shape: [3, 2], initializer: { kind: "zeros" } });
      parameter.assign(wave([3, 2], 0.4));
      const optimizer = new SGD(new Map([["w", parameter]]), {
        ...{ learningRate: 0.1, momentum: 0.7, weightDecay: 0.2, nesterov: true },
      });
      golden.sgd.forEach((expected, step) => {
        optimizer.step(new Map([["w", wave([3, 2], step)]]));
        expectClose(parameter.variable, expected, { relative, what: `after step ${step}` });
      });
    });
  });
}
