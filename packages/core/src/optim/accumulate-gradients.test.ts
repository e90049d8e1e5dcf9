import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { crossEntropy } from "../nn/cross-entropy.ts";
import { GPT } from "../nn/gpt.ts";
import { initialize } from "../nn/initialize.ts";
import { accumulateGradients } from "./accumulate-gradients.ts";
import { GradientAccumulator } from "./gradient-accumulator.ts";
import { gradients } from "./gradients.ts";

beforeAll(() => useTestEngine("cpu"));

const SIZES = { vocabSize: 5, contextLength: 3, features: 8, heads: 2, layers: 1 };

function createTraining(): { readonly model: GPT; lossOf: (first: number, rows: number) => () => tf.Scalar } {
  const model = new GPT(SIZES);
  initialize(model, { seed: 1 });
  const tokens = tf.tensor2d([0, 1, 2, 3, 4, 0, 2, 2, 1, 4, 3, 1, 0, 0, 3], [5, 3], "int32");
  const lossOf = (first: number, rows: number) => (): tf.Scalar => {
    const batch = tf.slice2d(tokens, [first, 0], [rows, 3]);
    return crossEntropy(model.apply(batch), batch);
  };
  return { model, lossOf };
}

describe("accumulateGradients", () => {
  test("equals the whole batch, with uneven micro-batches counted by their rows", () => {
    const { model, lossOf } = createTraining();
    const whole = gradients(model, lossOf(0, 5));
    const live = tf.memory().numTensors;
    const parts = accumulateGradients(model, [lossOf(0, 1), lossOf(1, 3), lossOf(4, 1)], {
      shares: [1 / 5, 3 / 5, 1 / 5],
    });
    expect(tf.memory().numTensors).toBe(live + 1 + parts.grads.size);
    expect(parts.loss.dataSync()[0]).toBeCloseTo(whole.loss.dataSync()[0]!, 6);
    expect([...parts.grads.keys()]).toEqual([...whole.grads.keys()]);
    for (const [name, gradient] of whole.grads) {
      const difference = tf.max(tf.abs(tf.sub(gradient, parts.grads.get(name)!))).dataSync()[0]!;
      // Reordered sums of gradients below 1.
      expect(difference).toBeLessThan(1e-6);
    }
  });

  test("tells modules that attach losses the share of the micro-batch that passes", () => {
    const { model, lossOf } = createTraining();
    const layer = { lossScale: 1, apply: () => undefined };
    const seen: number[] = [];
    const watched = (lossFn: () => tf.Scalar) => (): tf.Scalar => {
      seen.push(layer.lossScale);
      return lossFn();
    };
    const lossFns = [watched(lossOf(0, 1)), watched(lossOf(1, 4))];
    accumulateGradients({ model, layer }, lossFns, { shares: [0.2, 0.8] });
    expect(seen).toEqual([0.2, 0.8]);
    expect(layer.lossScale).toBe(1);
  });

  test("takes the mean of micro-batches of one size by default", () => {
    const { model, lossOf } = createTraining();
    const whole = gradients(model, lossOf(1, 4));
    const parts = accumulateGradients(model, [lossOf(1, 2), lossOf(3, 2)]);
    expect(parts.loss.dataSync()[0]).toBeCloseTo(whole.loss.dataSync()[0]!, 6);
    const last = [...whole.grads.keys()].at(-1)!;
    const difference = tf.max(tf.abs(tf.sub(whole.grads.get(last)!, parts.grads.get(last)!)));
    expect(difference.dataSync()[0]).toBeLessThan(1e-6);
  });

  test("refuses other numbers of shares than of micro-batches, and frees what a failed one left", () => {
    const { model, lossOf } = createTraining();
    expect(() => accumulateGradients(model, [], {})).toThrow(ContractError);
    expect(() => accumulateGradients(model, [lossOf(0, 1)], { shares: [1, 2] })).toThrow(
      new ContractError(
        "accumulateGradients: shares (2) must be one for each of at least one micro-batch (1); use tokens of the micro-batch / tokens of the batch.",
      ),
    );
    const live = tf.memory().numTensors;
    const fail = (): tf.Scalar => {
      throw new RangeError("no more data");
    };
    expect(() => accumulateGradients(model, [lossOf(0, 1), fail])).toThrow("no more data");
    expect(tf.memory().numTensors).toBe(live);
  });
});

test("GradientAccumulator adds what some passes lack, across scopes, and gives everything away once", () => {
  const live = tf.memory().numTensors;
  const sum = new GradientAccumulator();
  tf.tidy(() => {
    sum.add(new Map([["a", tf.tensor1d([1, 2])]]));
  });
  tf.tidy(() => {
    sum.add(
      new Map([
        ["a", tf.tensor1d([10, 20])],
        ["b", tf.tensor1d([5])],
      ]),
    );
  });
  const grads = sum.take();
  expect([...grads].map(([name, t]) => [name, ...t.dataSync()])).toEqual([
    ["a", 11, 22],
    ["b", 5],
  ]);
  expect(sum.take().size).toBe(0);
  tf.dispose([...grads.values()]);
  expect(tf.memory().numTensors).toBe(live);
});
