import * as tf from "@tensorflow/tfjs";
import { beforeAll, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { gelu } from "./gelu.ts";

beforeAll(() => useTestEngine("cpu"));

test("the exact form keeps its relative accuracy in the far tail", () => {
  const [y] = gelu(tf.tensor1d([-6]), { approximate: "none" }).dataSync();
  // -6 Phi(-6), by 40-digit arithmetic.
  expect(Math.abs(y! / -5.919526e-9 - 1)).toBeLessThan(1e-6);
});

test.each(["none", "tanh"] as const)(
  "the %s form is exact at zero and far out, in its gradient too",
  (approximate) => {
    const x = tf.tensor1d([0, 200, -200]);
    const { value, grad } = tf.valueAndGrad((t: tf.Tensor) => gelu(t, { approximate }))(x);
    expect([...value.dataSync()].map((y) => y + 0)).toEqual([0, 200, 0]);
    expect([...grad.dataSync()].map((y) => y + 0)).toEqual([0.5, 1, 0]);
  },
);

test("integers are refused", () => {
  expect(() => gelu(tf.zeros([2], "int32"), { approximate: "tanh" })).toThrow(
    new ContractError('gelu: x (int32) must be float32; use tf.cast(t, "float32").'),
  );
});
