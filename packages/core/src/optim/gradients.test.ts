import * as tf from "@tensorflow/tfjs";
import { beforeAll, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { initialize } from "../nn/initialize.ts";
import { Linear } from "../nn/linear.ts";
import { gradients } from "./gradients.ts";

beforeAll(() => useTestEngine("cpu"));

test("gives the loss and the gradients of what it depends on, and leaves nothing else", () => {
  const model = {
    used: new Linear({ inFeatures: 2, outFeatures: 3 }),
    unused: new Linear({ inFeatures: 1, outFeatures: 1 }),
  };
  initialize(model, { seed: 1 });
  const x = tf.tensor2d([[1, 10]]);
  const live = tf.memory().numTensors;
  const { loss, grads } = gradients(model, () => tf.sum<tf.Scalar>(model.used.apply(x)));
  expect(tf.memory().numTensors).toBe(live + 3);
  expect([...grads.keys()]).toEqual(["used.weight", "used.bias"]);
  expect([...grads.get("used.weight")!.dataSync()]).toEqual([1, 1, 1, 10, 10, 10]);
  expect(loss.rank).toBe(0);
});

test("a model without parameters, or without values, is refused", () => {
  expect(() => gradients({}, () => tf.scalar(1))).toThrow(
    new ContractError(
      "gradients: model (0 parameters) must have at least one Parameter in its fields; use modules of this package or give your class an apply method.",
    ),
  );
  const model = new Linear({ inFeatures: 2, outFeatures: 3 });
  expect(() => gradients(model, () => tf.scalar(1))).toThrow("call initialize(model, { seed }) first");
});
