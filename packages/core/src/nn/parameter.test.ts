import * as tf from "@tensorflow/tfjs";
import { beforeAll, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { Parameter, type ParameterShard } from "./parameter.ts";

beforeAll(() => useTestEngine("cpu"));

test("shows every value to its shard before the variable has it", () => {
  const settled: number[][] = [];
  const shard: ParameterShard = {
    localShape: [2],
    offset: [0],
    fromLocal: (values) => tf.tensor1d(values),
    readLocal: (value) => value.dataSync<"float32">(),
    readFull: (value) => value.dataSync<"float32">(),
    settle: (value) => {
      settled.push([...value.dataSync()]);
    },
  };
  const live = tf.memory().numTensors;
  const parameter = new Parameter({ shape: [2], initializer: { kind: "zeros" }, shard });
  parameter.assign(tf.tensor1d([1, 2]));
  parameter.assign(tf.tensor1d([3, 4]));
  expect(settled).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect([...parameter.variable.dataSync()]).toEqual([3, 4]);
  expect(tf.memory().numTensors).toBe(live + 1);
  parameter.dispose();
  expect(tf.memory().numTensors).toBe(live);
});

test("refuses a value of another shape, before anybody sees it", () => {
  const parameter = new Parameter({ shape: [2], initializer: { kind: "zeros" } });
  expect(() => {
    parameter.assign(tf.tensor1d([1, 2, 3]));
  }).toThrow(new ContractError("Parameter.assign: value of shape [3] must have the parameter's shape [2]."));
});
