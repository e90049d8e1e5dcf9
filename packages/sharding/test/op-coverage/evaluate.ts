/**
 * Runs one call on tensors that lie anywhere: values, gradients, and the slope along a line.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { seededRandom } from "../../src/rules/dense-value.ts";
import type { OpCall } from "./op-call.ts";

/** A whole tensor on the host. */
export interface HostValue {
  readonly shape: readonly number[];
  readonly values: readonly (number | string)[];
}

/** All outputs, whole. Collective where they are split. */
export function valuesOf(call: OpCall, inputs: readonly tf.Tensor[]): HostValue[] {
  return inScope(() => outputsOf(call, inputs).map(toHost));
}

/** Gradients of a weighted sum of all outputs for the float inputs, whole. Collective where they are split. */
export function gradientsOf(call: OpCall, inputs: readonly tf.Tensor[]): HostValue[] {
  return inScope(() => {
    const floats = inputs.filter((input) => input.dtype === "float32");
    const f = (...given: tf.Tensor[]): tf.Scalar => {
      const rest = [...given];
      const all = inputs.map((input) => (input.dtype === "float32" ? rest.shift()! : input));
      return weightedSum(outputsOf(call, all));
    };
    return tf
      .grads(f)([...floats])
      .map(toHost);
  });
}

/** The slope of the weighted sum in a random direction: by the gradients, and by the values on both sides. */
export function slopes(
  call: OpCall,
  inputs: readonly tf.Tensor[],
  gradients: readonly HostValue[],
): { byGradient: number; byValues: number } {
  const random = seededRandom(17);
  const floats = inputs.filter((input) => input.dtype === "float32");
  const directions = floats.map((input) => Array.from({ length: input.size }, () => random() - 0.5));
  let byGradient = 0;
  gradients.forEach(({ values }, i) => {
    values.forEach((value, at) => (byGradient += Number(value) * directions[i]![at]!));
  });
  const sumAt = (step: number): number =>
    inScope(() => {
      const all = inputs.map((input) => {
        const at = floats.indexOf(input);
        if (at < 0) return input;
        const direction = tf.tensor(Float32Array.from(directions[at]!), input.shape);
        return tf.add(input, tf.mul(direction, step));
      });
      return weightedSum(outputsOf(call, all)).dataSync()[0]!;
    });
  return { byGradient, byValues: (sumAt(STEP) - sumAt(-STEP)) / (2 * STEP) };
}

/** Small against the distance to the next kink, large against the rounding of float32. */
const STEP = 5e-3;

/** `tf.tidy` for results that are no tensors. */
function inScope<Result>(run: () => Result): Result {
  tf.engine().startScope();
  try {
    return run();
  } finally {
    tf.engine().endScope();
  }
}

function outputsOf(call: OpCall, inputs: readonly tf.Tensor[]): readonly tf.Tensor[] {
  const outputs = call.run(inputs);
  return Array.isArray(outputs) ? (outputs as readonly tf.Tensor[]) : [outputs as tf.Tensor];
}

/** Weights 1, 1.1, 1.2, ...: a permuted gradient differs. */
function weightedSum(outputs: readonly tf.Tensor[]): tf.Scalar {
  const sums = outputs.map((output) => {
    const flat = tf.reshape(tf.cast(output, "float32"), [output.size]);
    return tf.sum(tf.mul(flat, tf.add(tf.mul(tf.range(0, output.size), 0.1), 1)));
  });
  return tf.addN(sums) as tf.Scalar;
}

function toHost(t: tf.Tensor): HostValue {
  const data: ArrayLike<number | string> = t.dataSync();
  return { shape: t.shape, values: Array.from(data) };
}
