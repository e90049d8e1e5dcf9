/**
 * Calls of Meshwright's own kernels, by name: most of them have no function of their own.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import { floats, ints, runKernel, type OpCall } from "../op-call.ts";

const ANY = [-1.5, 1.5] as const;

/** The first output: the others are there for the gradient, which does not go through them. */
function first(outputs: Tensor | readonly Tensor[]): Tensor {
  return Array.isArray(outputs) ? (outputs as readonly Tensor[])[0]! : (outputs as Tensor);
}

const LOSS = { labelSmoothing: 0.1, zLoss: 0.01, ignoreIndex: -100, numClasses: 6, firstClass: 0 };

/** The kernels that the loss is made of where the classes are split. */
const lossParts: readonly OpCall[] = [
  {
    kernel: "CrossEntropySums",
    inputs: [floats([5, 6]), ints([5], 6), floats([5], [2, 3], 2)],
    run: ([logits, labels, max]) =>
      runKernel("CrossEntropySums", { logits: logits!, labels: labels!, max: max! }, LOSS),
  },
  {
    kernel: "CrossEntropyLoss",
    inputs: [floats([5, 6]), ints([5], 6), floats([5], [2, 3], 2)],
    run: ([logits, labels, max]) => {
      const sums = runKernel("CrossEntropySums", { logits: logits!, labels: labels!, max: max! }, LOSS);
      return runKernel("CrossEntropyLoss", { max: max!, sums: first(sums), labels: labels! }, LOSS);
    },
  },
];

/** Calls of the kernels that Meshwright adds to every engine. */
export const fusedCalls: readonly OpCall[] = [
  {
    kernel: "LayerNorm",
    inputs: [floats([5, 4]), floats([4], ANY, 2), floats([4], ANY, 3)],
    run: ([x, gamma, beta]) =>
      first(runKernel("LayerNorm", { x: x!, gamma: gamma!, beta: beta! }, { epsilon: 1e-5 })),
  },
  {
    kernel: "RMSNorm",
    inputs: [floats([5, 4]), floats([4], ANY, 2)],
    run: ([x, gamma]) => first(runKernel("RMSNorm", { x: x!, gamma: gamma! }, { epsilon: 1e-5 })),
  },
  {
    kernel: "Gelu",
    inputs: [floats([5, 4])],
    run: ([x]) => runKernel("Gelu", { x: x! }, { approximate: "tanh" }),
  },
  {
    kernel: "CausalSoftmax",
    inputs: [floats([3, 4, 4])],
    run: ([x]) => runKernel("CausalSoftmax", { x: x! }, { scale: 0.5 }),
  },
  {
    kernel: "CrossEntropy",
    inputs: [floats([5, 6]), ints([5], 6)],
    run: ([logits, labels]) => first(runKernel("CrossEntropy", { logits: logits!, labels: labels! }, LOSS)),
  },
  {
    kernel: "Dropout",
    inputs: [floats([5, 3])],
    run: ([x]) =>
      runKernel("Dropout", { x: x! }, { rate: 0.4, key: [11, 12], globalShape: [5, 3], offset: [0, 0] }),
  },
  {
    kernel: "RandomScale",
    inputs: [floats([5, 3])],
    run: ([x]) =>
      runKernel(
        "RandomScale",
        { x: x! },
        {
          ...{ distribution: "normal", center: 1, spread: 0.5, seed: 1, name: "scale" },
          ...{ globalShape: [5, 3], offset: [0, 0] },
        },
      ),
  },
  {
    kernel: "AdamWUpdate",
    inputs: [floats([5, 3]), floats([5, 3], ANY, 2), floats([5, 3], [0, 1], 3), floats([5, 3], [0, 1], 4)],
    run: ([parameter, gradient, m, v]) =>
      runKernel(
        "AdamWUpdate",
        { parameter: parameter!, gradient: gradient!, m: m!, v: v! },
        {
          ...{ learningRate: 0.01, beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
          ...{ weightDecay: 0.1, step: 3 },
        },
      ),
  },
  {
    kernel: "Linear",
    inputs: [floats([2, 5, 3]), floats([3, 4], ANY, 2)],
    run: ([x, w]) => runKernel("Linear", { x: x!, w: w! }, { transposeW: false }),
  },
  {
    kernel: "GroupedLinear",
    inputs: [floats([6, 3]), floats([4, 3, 5], ANY, 2)],
    run: ([x, w]) =>
      runKernel("GroupedLinear", { x: x!, w: w! }, { counts: [2, 0, 3, 1], transposeW: false }),
  },
  {
    kernel: "EmbeddingLookup",
    inputs: [floats([7, 3]), ints([2, 4], 7)],
    run: ([table, indices]) =>
      runKernel("EmbeddingLookup", { table: table!, indices: indices! }, { numRows: 7, firstRow: 0 }),
  },
  {
    kernel: "RotaryEmbedding",
    inputs: [floats([3, 5, 4]), ints([5], 9)],
    run: ([x, positions]) =>
      runKernel(
        "RotaryEmbedding",
        { x: x!, positions: positions! },
        { frequencies: [1, 0.1], inverse: false },
      ),
  },
  ...lossParts,
];
