import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { TEST_BACKENDS, useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { clipGradNorm, globalNorm } from "./clip-grad-norm.ts";

describe.each(TEST_BACKENDS)("clipGradNorm on the %s backend", (backendName) => {
  beforeAll(() => useTestEngine(backendName));

  test("scales all gradients by maxNorm / (norm + 1e-6)", () => {
    const grads = new Map<string, tf.Tensor>([
      ["a", tf.tensor2d([[3, 0]])],
      ["b", tf.tensor1d([0, 4, 0])],
    ]);
    const live = tf.memory().numTensors;
    const clipped = clipGradNorm(grads, 2);
    expect(tf.memory().numTensors).toBe(live + 3);
    expect(clipped.norm.dataSync()[0]).toBe(5);
    const factor = 2 / (5 + 1e-6);
    expect(clipped.grads.get("a")!.dataSync()[0]).toBeCloseTo(3 * factor, 6);
    expect(clipped.grads.get("b")!.dataSync()[1]).toBeCloseTo(4 * factor, 6);
    expect(clipped.grads.get("a")!.shape).toEqual([1, 2]);
    expect([...grads.get("b")!.dataSync()]).toEqual([0, 4, 0]);
  });

  test("changes no bit below the limit", () => {
    const values = [0.1, -0.7, 0.3];
    const clipped = clipGradNorm(new Map([["a", tf.tensor1d(values)]]), 0.8);
    expect([...clipped.grads.get("a")!.dataSync()]).toEqual(values.map(Math.fround));
  });
});

test("zero gradients stay zero, and infinity shows in the norm", () => {
  const zero = clipGradNorm(new Map([["a", tf.zeros([2])]]), 1);
  expect([...zero.grads.get("a")!.dataSync()]).toEqual([0, 0]);
  expect(globalNorm(new Map([["a", tf.tensor1d([1, Infinity])]])).dataSync()[0]).toBe(Infinity);
});

test("bad input is refused", () => {
  expect(() => clipGradNorm(new Map(), 1)).toThrow(
    new ContractError("globalNorm: grads (0 entries) must hold at least one gradient; use gradients(...)."),
  );
  expect(() => clipGradNorm(new Map([["a", tf.zeros([1])]]), 0)).toThrow(
    new ContractError("clipGradNorm: maxNorm (0) must be positive; use for example 1."),
  );
});
