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

test("shows each gradient when it is final, last layers first, with the bits of the simple call", () => {
  const first = new Linear({ inFeatures: 2, outFeatures: 3 });
  const second = new Linear({ inFeatures: 3, outFeatures: 2 });
  const model = { shared: first, second, apply: (x: tf.Tensor) => second.apply(first.apply(x)) };
  initialize(model, { seed: 1 });
  const x = tf.tensor2d([[1, -2]]);
  // The first layer is used a second time at the end: its gradient is final only after both uses.
  const lossFn = (): tf.Scalar => tf.sum(tf.square(first.apply(model.apply(x))));
  const simple = gradients(model, lossFn);
  const live = tf.memory().numTensors;
  const seen: [string, number[]][] = [];
  const { loss, grads } = gradients(model, lossFn, {
    onGradient: (name, gradient) => {
      seen.push([name, [...gradient.dataSync()]]);
    },
  });
  expect(tf.memory().numTensors).toBe(live + 1 + grads.size);
  expect(loss.dataSync()).toEqual(simple.loss.dataSync());
  expect(seen.map(([name]) => name)).toEqual([
    "second.bias",
    "second.weight",
    "shared.bias",
    "shared.weight",
  ]);
  for (const [name, values] of seen) {
    expect(values).toEqual([...simple.grads.get(name)!.dataSync()]);
    expect([...grads.get(name)!.dataSync()]).toEqual(values);
  }
});

test("with onGradient, a loss that is no scalar, or an observer that throws, leaves nothing behind", () => {
  const model = new Linear({ inFeatures: 2, outFeatures: 3 });
  initialize(model, { seed: 1 });
  const x = tf.tensor2d([[1, 10]]);
  const live = tf.memory().numTensors;
  const onGradient = (): never => {
    throw new RangeError("stop");
  };
  expect(() => gradients(model, () => model.apply(x) as tf.Scalar, { onGradient })).toThrow(
    new ContractError("gradients: the loss (shape [1, 3]) must be a scalar; use tf.mean or tf.sum of it."),
  );
  expect(() => gradients(model, () => tf.sum<tf.Scalar>(model.apply(x)), { onGradient })).toThrow("stop");
  expect(tf.memory().numTensors).toBe(live);
});
