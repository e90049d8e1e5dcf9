import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { TEST_BACKENDS, useTestEngine } from "../../test/golden/test-engine.ts";
import { GELU } from "./gelu.ts";
import { gelu } from "./gelu.ts";
import { layerNorm } from "./layer-norm.ts";
import type { KernelMemory } from "./reference.ts";
import { kernelGradients, referenceKernels, registerKernelGradients, registerKernels } from "./register.ts";

const unused: KernelMemory = {
  view: () => new Float32Array(),
  create: () => ({ dataId: {}, shape: [], dtype: "float32" }),
};

describe("registration", () => {
  test("happens only when asked for, once, and leaves what is registered alone", () => {
    const name = GELU;
    expect(tf.getKernel(name, "imaginary")).toBeUndefined();
    const own: tf.KernelConfig = { kernelName: name, backendName: "imaginary", kernelFunc: () => [] };
    tf.registerKernel(own);
    const warn = vi.spyOn(console, "warn");
    registerKernels("imaginary", unused, { skip: ["Dropout"] });
    registerKernels("imaginary", unused, { skip: ["Dropout"] });
    registerKernelGradients();
    registerKernelGradients();
    expect(warn).not.toHaveBeenCalled();
    expect(tf.getKernel(name, "imaginary")).toBe(own);
    const registered = tf.getKernelsForBackend("imaginary").map((kernel) => kernel.kernelName);
    const all = referenceKernels.map((kernel) => kernel.kernelName).filter((kernel) => kernel !== "Dropout");
    expect(registered.sort()).toEqual(all.sort());
    expect(kernelGradients.map((config) => tf.getGradient(config.kernelName))).toEqual(kernelGradients);
    warn.mockRestore();
  });
});

describe.each(TEST_BACKENDS)("on the %s backend", (backendName) => {
  beforeAll(() => useTestEngine(backendName));

  test("a loop of gradients leaves no tensor, inside and outside tidy", () => {
    const x = tf.randomNormal([3, 5]);
    const gamma = tf.ones([5]);
    const beta = tf.zeros([5]);
    const f = (...[a, g, b]: tf.Tensor[]): tf.Tensor =>
      gelu(layerNorm(a!, { gamma: g!, beta: b!, epsilon: 1e-5 }), { approximate: "tanh" });
    const before = tf.memory();
    for (let i = 0; i < 50; i++) {
      tf.dispose(tf.grads(f)([x, gamma, beta]));
      tf.tidy(() => tf.grads(f)([x, gamma, beta]).length);
      layerNorm(x, { gamma, beta, epsilon: 1e-5 }).dispose();
    }
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
    tf.dispose([x, gamma, beta]);
  });
});
