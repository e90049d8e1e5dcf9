import { initialize, startEngine, vjp } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createSleep, registerWaitingKernel, waitingLayer, waitingLayers } from "./waiting-layer.ts";

const NO_TIME = { forwardMs: 0, inputGradientMs: 0, weightGradientMs: 0 };
const TIMES = { forwardMs: 3, inputGradientMs: 5, weightGradientMs: 7 };

let engine: Awaited<ReturnType<typeof startEngine>>;
beforeAll(async () => {
  engine = await startEngine({ prefer: "cpu" });
  registerWaitingKernel(engine);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Replaces waiting by a clock that jumps; gives what the waits are called with. */
function observeWaits(lateMs = 0): unknown[] {
  const waits: unknown[] = [];
  let clock = 0;
  vi.spyOn(performance, "now").mockImplementation(() => clock);
  vi.spyOn(Atomics, "wait").mockImplementation((...args: unknown[]) => {
    waits.push(args[3]);
    clock += Number(args[3]) + lateMs;
    return "timed-out";
  });
  return waits;
}

/** A layer with weight 3, and what its waits are called with; nothing waits. */
function observed(times = TIMES) {
  const layer = waitingLayer("slow", times);
  initialize(Object.fromEntries(layer.parameters), { seed: 1 });
  const [weight] = [...layer.parameters.values()];
  weight!.assign(tf.tensor1d([3]));
  return { layer, weight: weight!, waits: observeWaits() };
}

describe("a waiting layer", () => {
  test("multiplies by its weight, and has the gradients of a product", () => {
    const { layer, weight } = observed(NO_TIME);
    const x = tf.tensor2d([1, 2, -4, 0.5, 6, 8], [2, 3]);
    const dy = tf.tensor2d([1, 0, 2, 3, -1, 1], [2, 3]);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const { value, pullback } = vjp((input: tf.Tensor) => layer.apply(input), [x], layer);
      expect([...value.dataSync()]).toEqual([3, 6, -12, 1.5, 18, 24]);
      expect([...pullback.inputs(dy)[0]!.dataSync()]).toEqual([3, 0, 6, 9, -3, 3]);
      // 1 - 8 + 1.5 - 6 + 8
      expect([...pullback.parameters().get("slow.weight")!.dataSync()]).toEqual([-3.5]);
    });
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([x, dy]);
    weight.dispose();
  });

  test("waits in the forward pass, for the input gradient, and for the weight gradient, each alone", () => {
    const { layer, weight, waits } = observed();
    const x = tf.ones([2, 3]);
    tf.tidy(() => {
      const { pullback } = vjp((input: tf.Tensor) => layer.apply(input), [x], layer);
      expect(waits).toEqual([3]);
      pullback.inputs(tf.ones([2, 3]));
      expect(waits).toEqual([3, 5]);
      pullback.parameters();
      expect(waits).toEqual([3, 5, 7]);
    });
    x.dispose();
    weight.dispose();
  });

  test("does not wait for an input gradient that nobody wants", () => {
    const { layer, weight, waits } = observed();
    const x = tf.ones([2, 3]);
    tf.tidy(() => {
      const { pullback } = vjp(() => layer.apply(x), [], layer);
      pullback.all(tf.ones([2, 3]));
    });
    expect(waits).toEqual([3, 7]);
    x.dispose();
    weight.dispose();
  });

  test("a row of them gives the first the time of both gradients in its weight gradient", () => {
    const layers = waitingLayers([TIMES, TIMES]);
    for (const { parameters } of layers) initialize(Object.fromEntries(parameters), { seed: 1 });
    const waits = observeWaits();
    const x = tf.ones([1, 1]);
    tf.tidy(() => {
      const parameters = new Map(layers.flatMap((layer) => [...layer.parameters]));
      const both = () => layers[1]!.apply(layers[0]!.apply(x));
      vjp(both, [], { parameters }).pullback.all(tf.ones([1, 1]));
    });
    expect(waits.slice(0, 2)).toEqual([3, 3]);
    expect(waits.slice(2).sort()).toEqual([12, 5, 7]);
    x.dispose();
    for (const { parameters } of layers) for (const parameter of parameters.values()) parameter.dispose();
  });

  test("registers once per engine", () => {
    const register = vi.spyOn(console, "warn");
    registerWaitingKernel(engine);
    expect(register).not.toHaveBeenCalled();
  });
});

describe("a sleep", () => {
  test("is shorter by the time that the ones before it took too long", () => {
    const waits = observeWaits(2);
    const sleep = createSleep();
    for (const ms of [10, 10, 1, 10]) sleep(ms);
    // The third does not wait: 2 ms late, 1 ms to sleep.
    expect(waits).toEqual([10, 8, 9]);
  });

  test("of no time does not wait", () => {
    const waits = observeWaits(2);
    createSleep()(0);
    expect(waits).toEqual([]);
  });
});
