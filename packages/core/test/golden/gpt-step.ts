/**
 * A small GPT's training steps against PyTorch: `golden/gpt-step.json`, made by `golden/gpt-step.py`.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import golden from "../../golden/gpt-step.json" with { type: "json" };
import { crossEntropy } from "../../src/nn/cross-entropy.ts";
import { GPT } from "../../src/nn/gpt.ts";
import { namedParameters } from "../../src/nn/module.ts";
import type { Parameter } from "../../src/nn/parameter.ts";
import { AdamW } from "../../src/optim/adamw.ts";
import { clipGradNorm } from "../../src/optim/clip-grad-norm.ts";
import { gradients } from "../../src/optim/gradients.ts";
import { expectClose, wave } from "./wave.ts";

const SIZES = { vocabSize: 11, contextLength: 9, features: 12, heads: 3, layers: 2 };
const [B, T] = [2, 7];

/** The values of `golden/gpt-step.py`: parameter `k` is a wave of phase `k + 1`. */
function assignGolden(parameters: ReadonlyMap<string, Parameter>): void {
  [...parameters].forEach(([name, parameter], k) => {
    const isGain = parameter.shape.length === 1 && name.endsWith("weight");
    const amplitude = parameter.shape.length === 2 ? 0.3 : 0.1;
    parameter.assign(wave(parameter.shape, k + 1, amplitude, isGain ? 1 : 0));
  });
}

function tokenMatrix(f: (b: number, t: number) => number): tf.Tensor2D {
  const values = Array.from({ length: B * T }, (_, i) => f(Math.floor(i / T), i % T) % SIZES.vocabSize);
  return tf.tensor2d(values, [B, T], "int32");
}

/** Declares the test of three training steps on the engine that `start` starts. */
export function describeGPTStep(
  engineTitle: string,
  start: () => Promise<unknown>,
  { roundings = 1 }: { readonly roundings?: number } = {},
): void {
  describe(`GPT on ${engineTitle}`, () => {
    beforeAll(start);

    test("loss, every gradient, the gradient norm and AdamW updates equal PyTorch's", () => {
      const before = tf.memory().numTensors;
      const model = new GPT(SIZES);
      const parameters = namedParameters(model);
      expect([...parameters.keys()]).toEqual(Object.keys(golden.gradients));
      assignGolden(parameters);
      const { learningRate, betas, epsilon, weightDecay, maxNorm } = golden.settings;
      const optimizer = new AdamW(parameters, {
        ...{ learningRate, epsilon, weightDecay, betas: betas as [number, number] },
      });
      const tokens = tokenMatrix((b, t) => 5 * b + 3 * t + t * t);
      const labels = tokenMatrix((b, t) => 2 * b + 7 * t + 1);

      for (let step = 0; step < 3; step++) {
        const { loss, grads } = gradients(model, () => crossEntropy(model.apply(tokens), labels));
        const clipped = clipGradNorm(grads, maxNorm);
        // PyTorch computed in float64; ours rounds about 40 chained operations to float32 (6e-8 each).
        expectClose(loss, [golden.losses[step]!], { relative: 1e-6, what: `loss ${step}` });
        expectClose(clipped.norm, [golden.gradNorms[step]!], { relative: 2e-6, what: `norm ${step}` });
        // Gradients add up differences of nearly equal terms (softmax, norms), and the backends sum in float32.
        if (step === 0) expectAll(grads, golden.gradients, { relative: 5e-6, what: "gradient" });
        optimizer.step(clipped.grads);
        // The first updates divide a gradient by its own size, which passes its relative error on.
        if (step === 0)
          expectAll(values(parameters), golden.parametersAfter1, {
            relative: 1e-5 * roundings,
            what: "step 1",
          });
        if (step === 2)
          expectAll(values(parameters), golden.parametersAfter3, {
            relative: 1e-5 * roundings,
            what: "step 3",
          });
        tf.dispose([loss, clipped.norm, ...grads.values(), ...clipped.grads.values()]);
      }

      optimizer.dispose();
      for (const parameter of parameters.values()) parameter.dispose();
      tf.dispose([tokens, labels]);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}

function values(parameters: ReadonlyMap<string, Parameter>): ReadonlyMap<string, tf.Tensor> {
  return new Map([...parameters].map(([name, parameter]) => [name, parameter.variable]));
}

function expectAll(
  actual: ReadonlyMap<string, tf.Tensor>,
  expected: Readonly<Record<string, readonly number[]>>,
  { relative, what }: { readonly relative: number; readonly what: string },
): void {
  expect([...actual.keys()]).toEqual(Object.keys(expected));
  for (const [name, tensor] of actual)
    expectClose(tensor, expected[name]!, { relative, what: `${what} ${name}` });
}
