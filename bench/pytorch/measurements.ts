/**
 * Single operations that are measured on every engine and in PyTorch, at the sizes of a GPT of 768 features.
 *
 * Legend: T = 1,024 tokens, D = 768 features.
 *
 * @packageDocumentation
 */
import { type ProcessGroup } from "@meshwright/core";
import * as tf from "@tensorflow/tfjs";
import { causalMask, plainAttention, plainCrossEntropy, plainGelu, plainLayerNorm } from "./plain-layers.ts";

/** What one call does. */
export interface Measurement {
  readonly name: string;
  /** How the figure is given: work per time, or the time itself. */
  readonly unit: "GFLOP/s" | "GB/s" | "ms";
  /** FLOP or bytes of one call. */
  readonly work: number;
  readonly calls: number;
}

const [T, D] = [1024, 768];
const PRODUCT = { unit: "GFLOP/s", work: 2 * T * D * 4 * D, calls: 2 } as const;
const TIMED = { unit: "ms", work: 0, calls: 3 } as const;
const MIB = 2 ** 20;

/** In the order of the table; `worker.py` has the same names. */
export const MEASUREMENTS: readonly Measurement[] = [
  { name: "matMul", ...PRODUCT },
  { name: "matMul, right transposed", ...PRODUCT },
  { name: "matMul, left transposed", ...PRODUCT },
  { name: "matMul, 96 heads", unit: "GFLOP/s", work: 2 * 96 * 128 * 128 * 64, calls: 4 },
  { name: "add", unit: "GB/s", work: 3 * 16 * MIB, calls: 4 },
  { name: "GELU and gradient", ...TIMED },
  { name: "layer norm and gradient", ...TIMED },
  { name: "causal attention and gradient", ...TIMED },
  { name: "cross-entropy and gradient", ...TIMED },
  { name: "AdamW", ...TIMED },
  { name: "all-reduce 1 MiB", unit: "GB/s", work: MIB, calls: 20 },
  { name: "all-reduce 16 MiB", unit: "GB/s", work: 16 * MIB, calls: 3 },
];

/** The names of those that all ranks do together. */
export const isCollective = ({ name }: Measurement): boolean => name.startsWith("all-reduce");

type Form = "meshwright" | "plain";
type Function = (...inputs: tf.Tensor[]) => tf.Tensor;

/** What to call; made once, with its inputs. */
export function bodyOf({ name, work }: Measurement, form: Form, group: ProcessGroup): () => void {
  if (name.startsWith("all-reduce")) {
    const buffer = new Float32Array(work / 4);
    return () => {
      group.allReduce(buffer);
    };
  }
  if (name === "AdamW") return form === "plain" ? plainAdam() : fusedAdamW();
  if (name === "add") return calling((a, b) => tf.add(a, b), varied([4 * MIB]), varied([4 * MIB]));
  if (name.startsWith("matMul")) return product(name);
  const [f, inputs] = differentiated(name, form);
  const gradients = tf.grads(f);
  const dy = tf.tidy(() => tf.onesLike(f(...inputs)));
  return () => {
    tf.dispose(gradients([...inputs], dy));
  };
}

/** Of all sizes and signs. tfjs draws random numbers one by one, in JavaScript. */
const varied = (shape: readonly number[]): tf.Tensor =>
  tf.tidy(() => tf.sin(tf.range(0, tf.util.sizeFromShape([...shape]))).reshape([...shape]));

function calling(f: Function, ...inputs: tf.Tensor[]): () => void {
  return () => {
    f(...inputs).dispose();
  };
}

function product(name: string): () => void {
  switch (name) {
    case "matMul":
      return calling((a, b) => tf.matMul(a, b), varied([T, D]), varied([D, 4 * D]));
    case "matMul, right transposed":
      return calling((a, b) => tf.matMul(a, b, false, true), varied([T, 4 * D]), varied([D, 4 * D]));
    case "matMul, left transposed":
      return calling((a, b) => tf.matMul(a, b, true), varied([T, D]), varied([T, 4 * D]));
    default:
      return calling((q, k) => tf.matMul(q, k, false, true), varied([96, 128, 64]), varied([96, 128, 64]));
  }
}

/** A function and its inputs. */
function differentiated(name: string, form: Form): [Function, tf.Tensor[]] {
  const isPlain = form === "plain";
  switch (name) {
    case "GELU and gradient":
      return [
        isPlain ? (x) => plainGelu(x) : (x) => run("Gelu", { x: x }, { approximate: "tanh" }),
        [varied([T, 4 * D])],
      ];
    case "layer norm and gradient":
      return [
        isPlain
          ? (x, gamma, beta) => plainLayerNorm(x, gamma, beta)
          : (x, gamma, beta) => run("LayerNorm", { x: x, gamma: gamma, beta: beta }, { epsilon: 1e-5 }),
        [varied([T, D]), varied([D]), varied([D])],
      ];
    case "causal attention and gradient": {
      const mask = causalMask(128);
      const shape = [8, 12, 128, 64];
      return [
        isPlain ? (q, k, v) => plainAttention(q, k, v, mask) : (q, k, v) => attention(q, k, v),
        [varied(shape), varied(shape), varied(shape)],
      ];
    }
    default: {
      const labels = tf.range(0, T, 1, "int32");
      const attrs = { labelSmoothing: 0, zLoss: 0, ignoreIndex: NaN, numClasses: 8192, firstClass: 0 };
      return [
        isPlain
          ? (x) => plainCrossEntropy(x, labels)
          : (x) => tf.mean(run("CrossEntropy", { logits: x, labels }, attrs)),
        [varied([T, 8192])],
      ];
    }
  }
}

function attention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor {
  const x = tf.matMul(q, k, false, true);
  return tf.matMul(run("CausalSoftmax", { x }, { scale: 1 / 8 }), v);
}

/** The first output of a kernel. */
function run(name: string, inputs: tf.NamedTensorMap, attrs: tf.NamedAttrMap): tf.Tensor {
  const found = tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(name, inputs, attrs);
  return Array.isArray(found) ? found[0]! : found;
}

function fusedAdamW(): () => void {
  const shape = [D, 4 * D];
  const inputs = { parameter: varied(shape), gradient: varied(shape), m: varied(shape), v: tf.ones(shape) };
  const attrs = { learningRate: 1e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, step: 3 };
  return () => {
    tf.dispose(tf.engine().runKernel<tf.Tensor[]>("AdamWUpdate", inputs, attrs));
  };
}

function plainAdam(): () => void {
  const parameter = tf.variable(varied([D, 4 * D]));
  const gradient = varied([D, 4 * D]);
  const optimizer = tf.train.adam(1e-3, 0.9, 0.95);
  return () => {
    optimizer.applyGradients([{ name: parameter.name, tensor: gradient }]);
  };
}
