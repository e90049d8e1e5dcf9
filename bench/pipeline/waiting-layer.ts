/**
 * A layer that takes time and no core: forward pass, input gradient and weight gradient each wait.
 *
 * ```
 *   y = w x          waits forwardMs
 *   dx = w dy        waits inputGradientMs
 *   dw = sum(x dy)   waits weightGradientMs
 * ```
 *
 * So as many ranks as one likes run a schedule at its own pace on few cores. The two gradients are separate closures of
 * one kernel, so `pullback.inputs` waits for the first, and `pullback.parameters` for the second.
 *
 * A sleeping thread wakes late, above all on a busy machine. What a rank slept too long it sleeps less the next time, so
 * its layers together take the time that they should, and what is measured beside is the scheduler's.
 *
 * @packageDocumentation
 */
import { Parameter, type World } from "@meshwright/core";
import type { PipelineLayer } from "@meshwright/pipeline";
import { defineRule, type Rule } from "@meshwright/sharding";
import * as tf from "@tensorflow/tfjs";

/** Milliseconds that a layer waits per micro-batch. */
export interface WaitTimes {
  readonly forwardMs: number;
  readonly inputGradientMs: number;
  readonly weightGradientMs: number;
}

const KERNEL = "WaitingScale";

/** The kernel runs whole on every rank of a stage. For `createMesh(world, axes, { rules: [waitingRule] })`. */
export const waitingRule: Rule = defineRule({
  kernels: [KERNEL],
  outputs: ({ inputs: [x] }) => [x!],
  strategies: () => [],
});

/** Registers kernel and gradient for this rank's engine. Calling it again does nothing. */
export function registerWaitingKernel(engine: World["engine"]): void {
  const { backendName } = engine;
  const wait = createSleep();
  if (tf.getKernelsForBackend(backendName).some(({ kernelName }) => kernelName === KERNEL)) return;
  const kernelFunc: tf.KernelFunc = ({ inputs: { x, w }, attrs }) => {
    wait(timesIn(attrs).forwardMs);
    const factor = engine.view(w!)[0]!;
    const values = engine.view(x!);
    return engine.create(x!.shape, "float32", (y) => {
      values.forEach((value, i) => (y[i] = value * factor));
    });
  };
  tf.registerKernel({ kernelName: KERNEL, backendName, kernelFunc });
  tf.registerGradient({
    kernelName: KERNEL,
    inputsToSave: ["x", "w"],
    gradFunc: (dy, saved, attrs) => {
      const [x, w] = saved as [tf.Tensor, tf.Tensor];
      const { inputGradientMs, weightGradientMs } = timesIn(attrs);
      return {
        x: () => {
          wait(inputGradientMs);
          return tf.mul(dy as tf.Tensor, w);
        },
        w: () => {
          wait(weightGradientMs);
          return tf.reshape(tf.sum(tf.mul(dy as tf.Tensor, x)), [1]);
        },
      };
    },
  });
}

/** `x -> w x` with a weight of one element, 1 at first. */
export function waitingLayer(name: string, times: WaitTimes): PipelineLayer {
  const weight = new Parameter({ shape: [1], initializer: { kind: "ones" } });
  return {
    name,
    parameters: new Map([[`${name}.weight`, weight]]),
    apply: (x) => tf.engine().runKernel(KERNEL, { x, w: weight.variable }, { ...times }),
  };
}

/**
 * Layers with these times. Nobody asks the first one for an input gradient, so its weight gradient takes the time of
 * both and every layer has the same work.
 */
export function waitingLayers(times: readonly WaitTimes[]): PipelineLayer[] {
  return times.map(({ forwardMs, inputGradientMs, weightGradientMs }, i) =>
    waitingLayer(`layer${i}`, {
      forwardMs,
      inputGradientMs,
      weightGradientMs: weightGradientMs + (i === 0 ? inputGradientMs : 0),
    }),
  );
}

/** A sleep that frees the core. The time by which it woke too late is taken off the next one. */
export function createSleep(): (ms: number) => void {
  // Nobody notifies a private buffer, so only the time ends a wait on it.
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  let lateMs = 0;
  return (ms) => {
    if (ms === 0) return;
    const start = performance.now();
    if (ms > lateMs) Atomics.wait(nobody, 0, 0, ms - lateMs);
    lateMs += performance.now() - start - ms;
  };
}

function timesIn(attrs: object | undefined): WaitTimes {
  return attrs as WaitTimes;
}
