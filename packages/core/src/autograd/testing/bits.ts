/**
 * Gradients as bits, so that equality is exact and tells 0 from -0.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import type { VjpGradients } from "../pullback.ts";
import type { Subject } from "./models.ts";

/** Shape and bits of a float tensor. */
export type Bits = readonly (readonly number[])[];

/** Bits of named gradients; the inputs are called `0`, `1`, ... */
export type GradientBits = Readonly<Record<string, Bits>>;

/** The bits of a tensor. */
export function bitsOf(tensor: tf.Tensor): Bits {
  return [tensor.shape, [...new Int32Array(Float32Array.from(tensor.dataSync()).buffer)]];
}

/** The bits of a vjp's gradients, which are disposed. Absent ones are absent. */
export function takeBits({ inputs, parameters }: VjpGradients): GradientBits {
  const found: Record<string, Bits> = {};
  inputs.forEach((gradient, i) => {
    if (gradient !== undefined) found[i] = bitsOf(gradient);
  });
  for (const [name, gradient] of parameters) found[name] = bitsOf(gradient);
  tf.dispose([...inputs.filter((gradient) => gradient !== undefined), ...parameters.values()]);
  return found;
}

function referenceBits({ f, parameters, input, dy }: Subject, seed: number): GradientBits {
  const bits: Record<string, Bits> = {};
  tf.tidy(() => {
    const x = input(seed);
    const isFloat = x.dtype === "float32";
    const leaves = [...(isFloat ? [x] : []), ...[...parameters.values()].map(({ variable }) => variable)];
    const names = [...(isFloat ? ["0"] : []), ...parameters.keys()];
    const gradients = tf.grads(() => f(x))(leaves, dy(seed));
    gradients.forEach((gradient, i) => {
      bits[names[i]!] = bitsOf(gradient);
    });
  });
  return bits;
}

/** What `tf.grads` says for each seed, in this order. Leaves the dropout counters as they were. */
export function referencesOf(subject: Subject, seeds: readonly number[]): readonly GradientBits[] {
  const starts = subject.counters.map(({ callIndex }) => callIndex);
  const bits = seeds.map((seed) => referenceBits(subject, seed));
  subject.counters.forEach((counter, i) => {
    counter.callIndex = starts[i]!;
  });
  return bits;
}
