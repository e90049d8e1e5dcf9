import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { TEST_BACKENDS, useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { checkpoint } from "./checkpoint.ts";
import type { Pullback } from "./pullback.ts";
import { checkLeaks } from "./testing/leaks.ts";
import { ranKernels } from "./testing/ran-kernels.ts";
import { blockSubject, mlpSubject } from "./testing/models.ts";
import { vjp } from "./vjp.ts";

checkLeaks();

/** `x -> relu(x u) d` on constants, and the pullback of one call. */
function reluMLP(): { readonly pullback: Pullback; readonly dy: tf.Tensor; readonly dispose: () => void } {
  const [x, u, d] = [tf.ones([2, 3]), tf.ones([3, 5]), tf.ones([5, 4])];
  const variables = [tf.variable(u, true, "u"), tf.variable(d, true, "d")] as const;
  const f = (a: tf.Tensor): tf.Tensor =>
    tf.tidy(() => tf.matMul(tf.relu(tf.matMul(a, variables[0])), variables[1]));
  const { value, pullback } = vjp(f, [x], { parameters: variables });
  const dy = tf.ones([2, 4]);
  return {
    pullback,
    dy,
    dispose: () => {
      tf.dispose([x, u, d, value, dy, ...variables]);
    },
  };
}

describe.each(TEST_BACKENDS)("a pullback on %s", (backend) => {
  beforeAll(async () => {
    await useTestEngine(backend);
  });

  test("counts the activations that it holds, and lets go of them on the way", () => {
    const { pullback, dy, dispose } = reluMLP();
    const alive = tf.memory().numTensors - pullback.numSaved;
    // The input [2, 3], the hidden [2, 5] before and after the relu; weights do not count.
    expect(pullback.savedBytes).toBe(4 * (6 + 10 + 10));
    // Two products save both factors, the relu its input.
    expect(pullback.numSaved).toBe(5);
    expect(pullback.savedActivations().map(({ shape }) => shape)).toEqual(
      expect.arrayContaining([
        [2, 3],
        [2, 5],
      ]) as number[][],
    );
    const [dx] = pullback.inputs(dy);
    // Left for the weights: both products' inputs, and the gradients of both products' outputs, [2, 4] and [2, 5].
    expect(pullback.savedBytes).toBe(4 * (6 + 10 + 8 + 10));
    expect(pullback.numSaved).toBe(6);
    expect(tf.memory().numTensors).toBe(alive + 6 + 1);
    const gradients = pullback.parameters();
    expect([pullback.numSaved, pullback.savedBytes]).toEqual([0, 0]);
    expect(tf.memory().numTensors).toBe(alive + 3);
    tf.dispose([dx!, ...gradients.values()]);
    dispose();
  });

  test("counts an activation once, however many clones and views of it are saved", () => {
    const [x, u] = [tf.ones([2, 3]), tf.ones([6, 5])];
    const f = (a: tf.Tensor): tf.Tensor =>
      tf.tidy(() => tf.mul(tf.sum(tf.square(a)), tf.matMul(tf.reshape(a.clone(), [1, 6]), u as tf.Tensor2D)));
    const { value, pullback } = vjp(f, [x]);
    // The input [2, 3]; u [6, 5], no parameter; the sum [] and the product [1, 5], which are multiplied.
    expect(pullback.savedBytes).toBe(4 * (6 + 30 + 1 + 5));
    expect(pullback.numSaved).toBe(5);
    pullback.dispose();
    tf.dispose([x, u, value]);
  });

  test("lets go of summed gradients and of what is between the inputs and the parameters", () => {
    const x = tf.ones([2, 3]);
    const w = tf.variable(x, true, "w");
    const f = (a: tf.Tensor): tf.Tensor =>
      tf.tidy(() => {
        const h = tf.exp(a);
        return tf.mul(tf.add(tf.mul(h, h), h), w);
      });
    const { value, pullback } = vjp(f, [x], { parameters: [w] });
    const [dx] = pullback.inputs(x);
    // Of the last product: its two factors and its output gradient.
    expect(pullback.numSaved).toBe(3);
    pullback.dispose();
    tf.dispose([x, w, value, dx!]);
  });

  test("computes in two steps what it computes at once, and nothing twice", () => {
    const whole = reluMLP();
    const all: tf.Tensor[] = [];
    const kernels = ranKernels(() => {
      const { inputs, parameters } = whole.pullback.all(whole.dy);
      all.push(inputs[0]!, ...parameters.values());
    });
    whole.dispose();
    const split = reluMLP();
    const first = ranKernels(() => all.push(split.pullback.inputs(split.dy)[0]!));
    const second = ranKernels(() => all.push(...split.pullback.parameters().values()));
    split.dispose();
    const products = (names: readonly string[]): number =>
      names.filter((name) => name === "BatchMatMul").length;
    expect([products(kernels), products(first), products(second)]).toEqual([4, 2, 2]);
    expect([...first, ...second].sort()).toEqual([...kernels].sort());
    tf.dispose(all);
  });

  test("runs a fused gradient kernel once, with the inputs", () => {
    const subject = mlpSubject();
    const [x, dy] = [subject.input(1), subject.dy(1)];
    const { value, pullback } = vjp(subject.f, [x], { parameters: subject.parameters });
    const gradients: tf.Tensor[] = [];
    const count = (names: readonly string[]): number =>
      names.filter((name) => name === "LayerNormGrad").length;
    expect(count(ranKernels(() => gradients.push(pullback.inputs(dy)[0]!)))).toBe(1);
    expect(count(ranKernels(() => gradients.push(...pullback.parameters().values())))).toBe(0);
    tf.dispose([x, dy, value, ...gradients]);
    subject.dispose();
  });

  test("recomputes a checkpoint once, with the inputs", () => {
    const subject = blockSubject();
    const [x, dy] = [subject.input(1), subject.dy(1)];
    let runs = 0;
    const f = checkpoint((a: tf.Tensor) => (runs++, subject.f(a)));
    const { value, pullback } = vjp(f, [x], { parameters: subject.parameters });
    const plain = vjp(subject.f, [x], { parameters: subject.parameters });
    tf.dispose([plain.value, plain.pullback.inputs(dy)[0]!]);
    const [dx] = pullback.inputs(dy);
    expect(runs).toBe(2);
    // From here on it holds what it would hold without the checkpoint.
    expect(pullback.numSaved).toBe(plain.pullback.numSaved);
    expect(pullback.savedBytes).toBe(plain.pullback.savedBytes);
    plain.pullback.dispose();
    const gradients = pullback.parameters();
    expect([runs, gradients.size]).toEqual([2, subject.parameters.size]);
    tf.dispose([x, dy, value, dx!, ...gradients.values()]);
    subject.dispose();
  });

  test.each(["at once", "between the steps", "of a checkpoint between the steps"])(
    "frees everything when it is disposed: %s",
    (when) => {
      const subject = blockSubject();
      const [x, dy] = [subject.input(1), subject.dy(1)];
      const f = when.includes("checkpoint") ? checkpoint(subject.f) : subject.f;
      const { value, pullback } = vjp(f, [x], { parameters: subject.parameters });
      if (when !== "at once") tf.dispose(pullback.inputs(dy)[0]!);
      expect(pullback.numSaved).toBeGreaterThan(0);
      pullback.dispose();
      pullback.dispose();
      expect([pullback.numSaved, pullback.savedBytes]).toEqual([0, 0]);
      tf.dispose([x, dy, value]);
      subject.dispose();
    },
  );
});

describe("a pullback", () => {
  beforeAll(async () => {
    await useTestEngine("cpu");
  });

  const used = (method: string, stage: string, fix: string): ContractError =>
    new ContractError(
      `Pullback.${method}: the pullback (${stage}) must be used once: all(dy), or inputs(dy) and then parameters(); ${fix}.`,
    );
  const AGAIN = "call vjp again for another one";
  const FIRST = "call pullback.inputs(dy) first, or pullback.all(dy)";

  test("is used once", () => {
    const { pullback, dy, dispose } = reluMLP();
    expect(() => pullback.parameters()).toThrow(used("parameters", "whole", FIRST));
    const [dx] = pullback.inputs(dy);
    expect(() => pullback.inputs(dy)).toThrow(used("inputs", "parameters are left", AGAIN));
    expect(() => pullback.all(dy)).toThrow(used("all", "parameters are left", AGAIN));
    const gradients = pullback.parameters();
    expect(() => pullback.parameters()).toThrow(used("parameters", "pulled back", FIRST));
    expect(() => pullback.all(dy)).toThrow(used("all", "pulled back", AGAIN));
    tf.dispose([dx!, ...gradients.values()]);
    dispose();
    const other = reluMLP();
    other.pullback.dispose();
    expect(() => other.pullback.all(other.dy)).toThrow(used("all", "disposed", AGAIN));
    other.dispose();
  });

  test("takes a dy of the value's shape and type, and can be asked again after a wrong one", () => {
    const { pullback, dy, dispose } = reluMLP();
    const wrong = [tf.ones([4, 2]), tf.ones([2, 4], "int32")] as const;
    expect(() => pullback.all(wrong[0])).toThrow(
      new ContractError(
        "Pullback.all: dy (float32[4, 2]) must be float32[2, 4], like the value; use the gradient that the value's user computed.",
      ),
    );
    expect(() => pullback.inputs(wrong[1])).toThrow(
      "Pullback.inputs: dy (int32[2, 4]) must be float32[2, 4]",
    );
    const { inputs, parameters } = pullback.all(dy);
    expect([...inputs[0]!.dataSync()]).toEqual([20, 20, 20, 20, 20, 20]);
    tf.dispose([...wrong, inputs[0]!, ...parameters.values()]);
    dispose();
  });

  test.each([
    [
      "throws",
      (): tf.Tensor => {
        throw new RangeError("in the gradient");
      },
      new RangeError("in the gradient"),
    ],
    [
      "has another shape",
      (dy: tf.Tensor): tf.Tensor => tf.sum(dy),
      new ContractError(
        'Pullback: the gradient of unnamed scope for input "0" (float32[]) must be float32[2, 4], like the input; use a gradient function that returns that.',
      ),
    ],
  ])("frees everything where a gradient %s, in either way", (_, gradFunc, error) => {
    const [x, dy] = [tf.ones([2, 4]), tf.ones([2, 4])];
    const w = tf.variable(x, true, "w");
    const failing = tf.customGrad((a) => ({ value: tf.exp(a as tf.Tensor), gradFunc }));
    const f = (a: tf.Tensor): tf.Tensor => tf.tidy(() => tf.mul(failing(tf.mul(a, w)), tf.square(w)));
    for (const way of ["all", "inputs"] as const) {
      const { value, pullback } = vjp(f, [x], { parameters: [w] });
      expect(() => pullback[way](dy)).toThrow(error);
      expect(pullback.numSaved).toBe(0);
      expect(() => pullback.all(dy)).toThrow(used("all", "failed", AGAIN));
      value.dispose();
    }
    tf.dispose([x, dy, w]);
  });
});
