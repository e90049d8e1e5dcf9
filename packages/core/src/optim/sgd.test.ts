import * as tf from "@tensorflow/tfjs";
import { beforeAll, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { Parameter } from "../nn/parameter.ts";
import { SGD } from "./sgd.ts";

beforeAll(() => useTestEngine("cpu"));

function parameterAt(value: number): ReadonlyMap<string, Parameter> {
  const parameter = new Parameter({ shape: [1], initializer: { kind: "zeros" } });
  parameter.assign(tf.tensor1d([value]));
  return new Map([["w", parameter]]);
}

const valueOf = (parameters: ReadonlyMap<string, Parameter>): number =>
  parameters.get("w")!.variable.dataSync()[0]!;

test("plain steps keep no velocity", () => {
  const parameters = parameterAt(3);
  const optimizer = new SGD(parameters, { learningRate: 0.5 });
  optimizer.step(new Map([["w", tf.tensor1d([2])]]));
  expect(valueOf(parameters)).toBe(2);
  expect(optimizer.velocities.size).toBe(0);
});

test("momentum adds the steps before: 1, then 1 + 0.5", () => {
  const parameters = parameterAt(0);
  const optimizer = new SGD(parameters, { learningRate: (step) => 1 - step / 2, momentum: 0.5 });
  const grads = new Map([["w", tf.tensor1d([1])]]);
  const live = tf.memory().numTensors;
  optimizer.step(grads);
  expect(valueOf(parameters)).toBe(-1);
  optimizer.step(grads);
  expect(valueOf(parameters)).toBe(-1.75);
  expect(tf.memory().numTensors).toBe(live);
  optimizer.dispose();
  expect(tf.memory().numTensors).toBe(live - 1);
  expect(() => {
    optimizer.step(grads);
  }).toThrow(
    new ContractError("SGD.step: the optimizer (disposed) must still hold its velocities; use a new SGD."),
  );
});

test("steps inside tidy keep the velocity", () => {
  const parameters = parameterAt(0);
  const optimizer = new SGD(parameters, { learningRate: 1, momentum: 0.5, nesterov: true });
  for (let i = 0; i < 2; i++) {
    tf.tidy(() => {
      optimizer.step(new Map([["w", tf.tensor1d([1])]]));
    });
  }
  // Nesterov: 1 + 0.5 * 1, then 1 + 0.5 * 1.5.
  expect(valueOf(parameters)).toBe(-1.5 - 1.75);
});

test("velocities are made by createState", () => {
  const asked: string[] = [];
  const optimizer = new SGD(parameterAt(0), {
    learningRate: 1,
    momentum: 0.5,
    createState: (variable, name) => {
      asked.push(name);
      return tf.add(tf.zerosLike(variable), 4);
    },
  });
  expect(asked).toEqual(["w"]);
  expect([...optimizer.velocities.get("w")!.dataSync()]).toEqual([4]);
  optimizer.dispose();
});

test("a restored optimizer goes on as the first would have", () => {
  const [first, second] = [parameterAt(1), parameterAt(5)];
  const options = { learningRate: 0.5, momentum: 0.5 };
  const [a, b] = [new SGD(first, options), new SGD(second, options)];
  const grads = new Map([["w", tf.tensor1d([3])]]);
  a.step(grads);
  second.get("w")!.assign(first.get("w")!.variable.clone());
  const live = tf.memory().numTensors;
  b.restore(a.numSteps, new Map([...a.velocities].map(([name, velocity]) => [name, velocity.clone()])));
  expect(tf.memory().numTensors).toBe(live);
  a.step(grads);
  b.step(grads);
  expect(b.numSteps).toBe(2);
  expect(valueOf(second)).toBe(valueOf(first));
  // 1 - 0.5 * 3 - 0.5 * (0.5 * 3 + 3)
  expect(valueOf(second)).toBe(-2.75);
  tf.dispose([...grads.values()]);
});

test("velocities are not restored without momentum, nor to names that it does not have", () => {
  const velocity = tf.tensor1d([1]);
  expect(() => {
    new SGD(parameterAt(0)).restore(1, new Map([["w", velocity]]));
  }).toThrow(
    "SGD.restore: momentum (0) must be above 0 for velocities; use the momentum that they come from.",
  );
  expect(() => {
    new SGD(parameterAt(0), { momentum: 0.5 }).restore(1, new Map([["v", velocity]]));
  }).toThrow("SGD.restore: grads (v) must be named as the optimizer's parameters");
  velocity.dispose();
});

test("bad settings are refused", () => {
  expect(() => new SGD(new Map(), { momentum: 1 })).toThrow(
    new ContractError("SGD: momentum (1) must be in [0, 1); use for example 0.9."),
  );
  expect(() => new SGD(new Map(), { nesterov: true })).toThrow(
    new ContractError("SGD: momentum (0) must be above 0 for nesterov; use for example momentum: 0.9."),
  );
});
