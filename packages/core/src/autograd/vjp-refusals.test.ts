import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { useTestEngine } from "../../test/golden/test-engine.ts";
import { seededTensor } from "../engine/testing/seeded.ts";
import { ContractError } from "../errors.ts";
import { Parameter } from "../nn/parameter.ts";
import { checkLeaks } from "./testing/leaks.ts";
import { vjp } from "./vjp.ts";

checkLeaks();

describe("vjp refuses, and leaves nothing recorded or alive:", () => {
  beforeAll(async () => {
    await useTestEngine("cpu");
  });

  const refusal = (body: () => unknown): unknown => {
    try {
      body();
    } catch (error) {
      expect(tf.engine().isTapeOn()).toBe(false);
      return error;
    }
    return undefined;
  };

  test("an f that throws", () => {
    const x = seededTensor([2, 3], 1);
    const alive = tf.memory().numTensors;
    const thrown = refusal(() =>
      vjp(
        (a: tf.Tensor) => {
          tf.square(tf.exp(a));
          throw new RangeError("in f");
        },
        [x],
      ),
    );
    expect(thrown).toEqual(new RangeError("in f"));
    expect(tf.memory().numTensors).toBe(alive);
    x.dispose();
  });

  test.each([
    ["int32[2]", (): tf.Tensor => tf.tensor1d([1, 2], "int32")],
    ["number", (): unknown => 1],
    ["a promise", (): unknown => Promise.resolve(1)],
  ])("a result that is %s", (what, f) => {
    const x = tf.scalar(1);
    expect(refusal(() => vjp((a: tf.Tensor) => (tf.square(tf.exp(a)), f() as tf.Tensor), [x]))).toEqual(
      new ContractError(
        `vjp: the result of f (${what}) must be one float32 tensor, at once; use a function without await that returns the tensor to differentiate.`,
      ),
    );
    x.dispose();
  });

  test("a kernel without a gradient", () => {
    const x = tf.tensor1d([3, 1, 2]);
    expect(refusal(() => vjp((a: tf.Tensor) => tf.topk(tf.exp(a), 2).values, [x]))).toEqual(
      new ContractError(
        "vjp: kernel (TopK) must have a gradient where it lies between what is differentiated and the value; use other operations, tf.registerGradient, or tf.customGrad.",
      ),
    );
    x.dispose();
  });

  test("a disposed input", () => {
    const x = tf.zeros([2, 3]);
    x.dispose();
    expect(refusal(() => vjp((a: tf.Tensor) => a, [x]))).toEqual(
      new ContractError(
        "vjp: input 0 (shape [2, 3], disposed) must be alive; use tf.keep, or call vjp in the scope that made it.",
      ),
    );
  });

  test("a parameter that is listed twice, or has no values", () => {
    const w = new Parameter({ shape: [1], initializer: { kind: "zeros" } });
    const parameters = new Map([
      ["a", w],
      ["b", w],
    ]);
    expect(() => vjp(() => tf.scalar(1), [], { parameters })).toThrow(
      "Parameter: a parameter of shape [1] has no values yet; call initialize(model, { seed }) first.",
    );
    w.assign(tf.tensor1d([1]));
    expect(refusal(() => vjp(() => tf.scalar(1), [], { parameters }))).toEqual(
      new ContractError(
        'vjp: parameter ("b") must be listed once, but is also "a"; use namedParameters, which names a shared parameter once.',
      ),
    );
    w.dispose();
  });

  test("a place where another tape records", () => {
    const x = tf.scalar(1);
    const inside = (body: () => tf.Tensor): unknown => refusal(() => tf.grad(() => body())(x));
    const rule = (where: string): ContractError =>
      new ContractError(
        `${where}: the call (inside a function that is being differentiated) must not lie inside tf.grad, tf.variableGrads, another vjp or checkpoint, because gradients of gradients are not recorded; use it outside, or checkpoint(f) inside.`,
      );
    expect(inside(() => vjp((a: tf.Tensor) => a, [x]).value)).toEqual(rule("vjp"));
    const outer = refusal(() => vjp((a: tf.Tensor) => vjp((b: tf.Tensor) => b, [a]).value, [x]));
    expect(outer).toEqual(rule("vjp"));
    const { value, pullback } = vjp((a: tf.Tensor) => tf.square(a), [x]);
    expect(inside(() => pullback.all(x).inputs[0]!)).toEqual(rule("Pullback.all"));
    pullback.dispose();
    tf.dispose([x, value]);
  });
});
