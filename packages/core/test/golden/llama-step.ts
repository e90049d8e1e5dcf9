/**
 * Small Llamas against Hugging Face's: `golden/llama.json`, made by `golden/llama.py`.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import golden from "../../golden/llama.json" with { type: "json" };
import { crossEntropy } from "../../src/nn/cross-entropy.ts";
import { Llama } from "../../src/nn/llama.ts";
import { namedParameters } from "../../src/nn/module.ts";
import { gradients } from "../../src/optim/gradients.ts";
import { expectClose, wave } from "./wave.ts";

const [B, T] = [2, 7];

function tokenMatrix(vocabSize: number, f: (b: number, t: number) => number): tf.Tensor2D {
  const values = Array.from({ length: B * T }, (_, i) => f(Math.floor(i / T), i % T) % vocabSize);
  return tf.tensor2d(values, [B, T], "int32");
}

/** Declares the test of one step of two Llamas on the engine that `start` starts. */
export function describeLlamaStep(
  engineTitle: string,
  start: () => Promise<unknown>,
  { roundings = 1 }: { readonly roundings?: number } = {},
): void {
  describe(`Llama on ${engineTitle}`, () => {
    beforeAll(start);

    test.each(["plain", "stretched"] as const)(
      "%s: logits, loss and every gradient equal transformers'",
      (name) => {
        const before = tf.memory().numTensors;
        const { sizes, logits, loss: expectedLoss, gradients: expected } = golden[name];
        const model = new Llama(sizes);
        const parameters = namedParameters(model);
        expect([...parameters.keys()]).toEqual(Object.keys(expected));
        [...parameters.values()].forEach((parameter, k) => {
          const isGain = parameter.shape.length === 1;
          parameter.assign(wave(parameter.shape, k + 1, isGain ? 0.1 : 0.3, isGain ? 1 : 0));
        });
        const tokens = tokenMatrix(sizes.vocabSize, (b, t) => 5 * b + 3 * t + t * t);
        const labels = tokenMatrix(sizes.vocabSize, (b, t) => 2 * b + 7 * t + 1);
        tf.tidy(() => {
          // transformers computed in float64 but for the rotary angles; ours rounds every operation to float32 (6e-8), and
          // the gradients of values and keys are differences of terms some 50 times larger than themselves.
          expectClose(model.apply(tokens), logits, { relative: 2e-6 * roundings, what: "logits" });
          const { loss, grads } = gradients(model, () => crossEntropy(model.apply(tokens), labels));
          expectClose(loss, [expectedLoss], { relative: 1e-6, what: "loss" });
          expect([...grads.keys()]).toEqual(Object.keys(expected));
          for (const [parameter, gradient] of grads) {
            const values = expected[parameter as keyof typeof expected] as readonly number[];
            expectClose(gradient, values, { relative: 2e-5, what: `gradient ${parameter}` });
          }
        });
        tf.dispose([tokens, labels]);
        for (const parameter of parameters.values()) parameter.dispose();
        expect(tf.memory().numTensors).toBe(before);
      },
    );
  });
}
