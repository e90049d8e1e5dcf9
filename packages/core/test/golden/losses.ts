/**
 * Cross-entropy against PyTorch: `golden/cross-entropy.json`, made by `golden/cross-entropy.py`.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import golden from "../../golden/cross-entropy.json" with { type: "json" };
import { tokenCrossEntropy } from "../../src/kernels/cross-entropy.ts";
import { crossEntropy, type CrossEntropyOptions } from "../../src/nn/cross-entropy.ts";
import { expectClose, wave } from "./wave.ts";

// PyTorch computed in float64; ours rounds each step to float32 (6e-8).
const relative = 5e-6;

/** Declares the tests of the losses on the engine that `start` starts. */
export function describeLosses(engineTitle: string, start: () => Promise<unknown>): void {
  describe(`cross-entropy on ${engineTitle}`, () => {
    beforeAll(start);

    test.each(Object.entries(golden.cases))(
      "%s equals PyTorch's, per token, summed and as the mean",
      (_, wanted) => {
        const before = tf.memory().numTensors;
        tf.tidy(() => {
          const options: CrossEntropyOptions = wanted.options;
          const labels = tf.tensor1d(wanted.labels, "int32");
          const losses: Readonly<Record<"none" | "sum" | "mean", (x: tf.Tensor) => tf.Tensor>> = {
            none: (x) => tokenCrossEntropy(x, labels, options),
            sum: (x) => crossEntropy(x, labels, { ...options, reduction: "sum" }),
            mean: (x) => crossEntropy(x, labels, options),
          };
          for (const [reduction, loss] of Object.entries(losses)) {
            const { value, gradient } = wanted[reduction as keyof typeof losses];
            const logits = wave([4, 6], 0.2, 3);
            expectClose(loss(logits), value, { relative, what: reduction });
            const dlogits = tf.grad(loss)(logits, wave(loss(logits).shape, 0.5));
            expectClose(dlogits, gradient, { relative, what: `${reduction} gradient` });
          }
        });
        expect(tf.memory().numTensors).toBe(before);
      },
    );

    test("ignoring every token gives 0 and no gradient, where PyTorch gives NaN", () => {
      const labels = tf.tensor1d([-100, -100], "int32");
      const loss = (x: tf.Tensor): tf.Tensor => crossEntropy(x, labels, { ignoreIndex: -100 });
      const { value, grad } = tf.valueAndGrad(loss)(wave([2, 3], 0.1));
      expect(value.dataSync()[0]).toBe(0);
      expect([...grad.dataSync()]).toEqual([0, 0, 0, 0, 0, 0]);
      tf.dispose([value, grad, labels]);
    });
  });
}
