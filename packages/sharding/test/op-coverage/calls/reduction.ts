/**
 * Calls of reductions, matrix products, softmax and running sums.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { bools, floats, ints, type OpCall } from "../op-call.ts";

const ANY = [-1.5, 1.5] as const;
const POSITIVE = [0.4, 1.6] as const;

/** Calls of reductions and of softmax. */
export const reductionCalls: readonly OpCall[] = [
  { kernel: "All", inputs: [bools([5, 3])], run: ([x]) => tf.all(x!, 1) },
  { kernel: "Any", inputs: [bools([5, 3])], run: ([x]) => tf.any(x!, 0) },
  { kernel: "ArgMax", inputs: [floats([5, 3])], run: ([x]) => tf.argMax(x!, 0) },
  { kernel: "ArgMin", inputs: [floats([5, 3])], run: ([x]) => tf.argMin(x!, 1) },
  { kernel: "Max", inputs: [floats([5, 3, 2])], run: ([x]) => tf.max(x!, [0, 2]) },
  { kernel: "Mean", inputs: [floats([5, 3, 2])], run: ([x]) => tf.mean(x!, [0, 2]) },
  { kernel: "Min", inputs: [floats([5, 3, 2])], run: ([x]) => tf.min(x!, 1, true) },
  { kernel: "Prod", inputs: [floats([5, 3], POSITIVE)], run: ([x]) => tf.prod(x!, 0) },
  { kernel: "Sum", inputs: [floats([5, 3, 2])], run: ([x]) => tf.sum(x!, [0, 2]) },
  { kernel: "Softmax", inputs: [floats([5, 4])], run: ([x]) => tf.softmax(x!) },
  { kernel: "Cumsum", inputs: [floats([5, 4])], run: ([x]) => tf.cumsum(x!, 1) },
  {
    kernel: "Cumsum",
    variant: "not the last dim",
    inputs: [floats([5, 4])],
    run: ([x]) => tf.cumsum(x!, 0),
  },
  { kernel: "Cumprod", inputs: [floats([5, 4], POSITIVE)], run: ([x]) => tf.cumprod(x!, 1) },
  {
    kernel: "TopK",
    inputs: [floats([5, 4])],
    run: ([x]) => Object.values(tf.topk(x!, 2)),
  },
  {
    kernel: "Bincount",
    inputs: [ints([7], 5), floats([7])],
    run: ([x, weights]) => tf.bincount(x as tf.Tensor1D, weights as tf.Tensor1D, 5),
  },
  {
    kernel: "DenseBincount",
    inputs: [ints([3, 7], 5), floats([3, 7])],
    run: ([x, weights]) => tf.denseBincount(x as tf.Tensor2D, weights as tf.Tensor2D, 5),
  },
  {
    kernel: "SearchSorted",
    inputs: [
      { shape: [2, 4], dtype: "float32", values: [-1, -0.5, 0.5, 1, -0.8, 0, 0.1, 0.9] },
      floats([2, 5]),
    ],
    run: ([sorted, values]) => tf.searchSorted(sorted!, values!),
  },
];

/** Calls of matrix products. */
export const productCalls: readonly OpCall[] = [
  {
    kernel: "BatchMatMul",
    inputs: [floats([5, 3]), floats([3, 4], ANY, 2)],
    run: ([a, b]) => tf.matMul(a!, b!),
  },
  {
    kernel: "BatchMatMul",
    variant: "batch",
    inputs: [floats([2, 5, 3]), floats([2, 4, 3], ANY, 2)],
    run: ([a, b]) => tf.matMul(a!, b!, false, true),
  },
  {
    kernel: "BatchMatMul",
    variant: "broadcast batch",
    inputs: [floats([2, 5, 3]), floats([3, 4], ANY, 2)],
    run: ([a, b]) => tf.matMul(a!, b!),
  },
  {
    kernel: "_FusedMatMul",
    inputs: [floats([5, 3]), floats([3, 4], ANY, 2), floats([4], ANY, 3)],
    run: ([a, b, bias]) => tf.fused.matMul({ a: a!, b: b!, bias: bias!, activation: "relu" }),
  },
  {
    kernel: "Einsum",
    inputs: [floats([2, 5, 3]), floats([3, 4], ANY, 2)],
    run: ([a, b]) => tf.einsum("bij,jk->bik", a!, b!),
  },
];
