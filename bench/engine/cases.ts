/**
 * What the engine benchmark runs: matrix products, elementwise kernels and reductions, and the fused kernels.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";

/** One thing to measure, on our kernels and on the stock ones. */
export interface EngineCase {
  readonly name: string;
  /** Floating-point operations of a product; `undefined` for kernels that are measured per element. */
  readonly flops?: number;
  /** Elements of the largest operand. */
  readonly elements: number;
  readonly run: () => tf.TensorContainer;
  /** The same in stock kernels; `null` where they cannot do it. Default: `run`. */
  readonly stock?: (() => tf.TensorContainer) | null;
}

const PRODUCTS: readonly (readonly [m: number, n: number, k: number])[] = [
  [512, 3072, 768],
  [1024, 1024, 256],
  [1024, 256, 1024],
  [256, 256, 256],
  [1, 3072, 768],
];
const TRANSPOSES = [
  ["NN", false, false],
  ["NT", false, true],
  ["TN", true, false],
] as const;

/** Products of the sizes above under NN, NT and TN, and the two of attention with 4 x 12 heads. */
export function productCases(): EngineCase[] {
  const plain = PRODUCTS.flatMap(([m, n, k]) =>
    TRANSPOSES.map(([letters, transposeA, transposeB]) => {
      const a = tf.randomUniform(transposeA ? [k, m] : [m, k], -1, 1);
      const b = tf.randomUniform(transposeB ? [n, k] : [k, n], -1, 1);
      return product(`${m}x${n}x${k} ${letters}`, { flops: 2 * m * n * k, a, b, transposeA, transposeB });
    }),
  );
  const [heads, T, D] = [48, 256, 64];
  const q = tf.randomUniform([heads, T, D], -1, 1);
  const p = tf.randomUniform([heads, T, T]);
  const flops = 2 * heads * T * T * D;
  return [
    ...plain,
    product("attention Q K^T [48, 256, 64]", { flops, a: q, b: q, transposeA: false, transposeB: true }),
    product("attention P V [48, 256, 256]", { flops, a: p, b: q, transposeA: false, transposeB: false }),
    product("attention P^T dY [48, 256, 256]", { flops, a: p, b: q, transposeA: true, transposeB: false }),
  ];
}

function product(
  name: string,
  options: {
    readonly flops: number;
    readonly a: tf.Tensor;
    readonly b: tf.Tensor;
    readonly transposeA: boolean;
    readonly transposeB: boolean;
  },
): EngineCase {
  const { flops, a, b, transposeA, transposeB } = options;
  return {
    name,
    flops,
    elements: Math.max(a.size, b.size),
    run: () => tf.matMul(a, b, transposeA, transposeB),
  };
}

/** Kernels of a training step on `[1024, 1024]`. */
export function kernelCases(): EngineCase[] {
  const x = tf.randomUniform([1024, 1024], 0.1, 1);
  const y = tf.randomUniform([1024, 1024], 0.1, 1);
  const row = tf.randomUniform([1024]);
  const column = tf.randomUniform([1024, 1]);
  const heads = x.reshape([4, 256, 16, 64]);
  const two = tf.scalar(2);
  const indices = tf.randomUniform([1024], 0, 1024, "int32");
  const mask = x.greater(y);
  const runs: Record<string, () => tf.TensorContainer> = {
    "add [T, D] + [D]": () => tf.add(x, row),
    "mul [T, D] * scalar": () => tf.mul(x, two),
    exp: () => tf.exp(x),
    log: () => tf.log(x),
    tanh: () => tf.tanh(x),
    sigmoid: () => tf.sigmoid(x),
    erf: () => tf.erf(x),
    sqrt: () => tf.sqrt(x),
    rsqrt: () => tf.rsqrt(x),
    "pow 2": () => tf.pow(x, two),
    maximum: () => tf.maximum(x, y),
    greater: () => tf.greater(x, y),
    where: () => tf.where(mask, x, y),
    "sum, last axis": () => tf.sum(x, 1),
    "sum, axis 0": () => tf.sum(x, 0),
    "sum, all": () => tf.sum(x),
    "mean, last axis": () => tf.mean(x, 1),
    "max, axis 0": () => tf.max(x, 0),
    softmax: () => tf.softmax(x),
    logSoftmax: () => tf.logSoftmax(x),
    logSumExp: () => tf.logSumExp(x, 1),
    "transpose [1, 0]": () => tf.transpose(x),
    "transpose heads [0, 2, 1, 3]": () => tf.transpose(heads, [0, 2, 1, 3]),
    "slice columns": () => tf.slice(x, [0, 256], [1024, 512]),
    "split columns": () => tf.split(x, 4, 1),
    "concat columns": () => tf.concat([x, y], 1),
    "tile rows": () => tf.tile(row.expandDims(0), [1024, 1]),
    "tile columns": () => tf.tile(column, [1, 1024]),
    "gather rows": () => tf.gather(x, indices),
  };
  return [
    ...Object.entries(runs).map(([name, run]) => ({ name, elements: x.size, run })),
    {
      name: "unsortedSegmentSum",
      elements: x.size,
      run: () => tf.unsortedSegmentSum(x, indices as tf.Tensor1D, 1024),
      stock: null,
    },
  ];
}

/** The fused kernels on `[1024, 1024]`, beside the same formula in stock kernels where tfjs has one. */
export function fusedCases(): EngineCase[] {
  const x = tf.randomUniform([1024, 1024], -3, 3);
  const dy = tf.randomUniform([1024, 1024], -1, 1);
  const [gamma, beta] = [tf.randomUniform([1024]), tf.randomUniform([1024])];
  const labels = tf.randomUniform([1024], 0, 1024, "int32");
  const scores = tf.randomUniform([4, 512, 512], -3, 3);
  const causal = tf.linalg.bandPart(tf.ones([512, 512]), -1, 0);
  const kernel = (name: string, inputs: tf.NamedTensorMap, attrs: tf.NamedAttrMap = {}): tf.Tensor[] => {
    const found = tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(name, inputs, attrs);
    return Array.isArray(found) ? found : [found];
  };
  const [, mean, rstd] = kernel("LayerNorm", { x, gamma, beta }, { epsilon: 1e-5 }) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const [y] = kernel("CausalSoftmax", { x: scores }, { scale: 0.125 }) as [tf.Tensor];
  const entropy = { labelSmoothing: 0, zLoss: 0, ignoreIndex: NaN, numClasses: 1024, firstClass: 0 };
  const [loss, logSumExp] = kernel("CrossEntropy", { logits: x, labels }, entropy) as [tf.Tensor, tf.Tensor];
  const gelu = { approximate: "tanh" };
  const adam = { learningRate: 1e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, step: 3 };
  const dropout = { rate: 0.1, key: [1, 2], globalShape: [1024, 1024], offset: [0, 0] };
  const fused = (
    name: string,
    inputs: tf.NamedTensorMap,
    attrs: tf.NamedAttrMap = {},
    stock: EngineCase["stock"] = null,
  ): EngineCase => ({ name, elements: x.size, run: () => kernel(name, inputs, attrs), stock });
  return [
    fused("LayerNorm", { x, gamma, beta }, { epsilon: 1e-5 }, () => {
      const moments = tf.moments(x, 1, true);
      return x.sub(moments.mean).mul(moments.variance.add(1e-5).rsqrt()).mul(gamma).add(beta);
    }),
    fused("LayerNormGrad", { dy, x, gamma, mean, rstd }),
    fused("RMSNorm", { x, gamma }, { epsilon: 1e-5 }, () =>
      x.mul(x.square().mean(1, true).add(1e-5).rsqrt()).mul(gamma),
    ),
    fused("RMSNormGrad", { dy, x, gamma, rstd }),
    fused("Gelu", { x }, gelu, () => x.mul(x.add(x.mul(x).mul(x).mul(0.044715)).mul(1.59577).sigmoid())),
    fused("GeluGrad", { dy, x }, gelu),
    fused("CausalSoftmax", { x: scores }, { scale: 0.125 }, () =>
      tf.softmax(scores.mul(0.125).add(causal.sub(1).mul(1e9))),
    ),
    fused("CausalSoftmaxGrad", { dy: scores, y }, { scale: 0.125 }),
    fused("CrossEntropy", { logits: x, labels }, entropy, () =>
      tf.neg(tf.sum(tf.logSoftmax(x).mul(tf.oneHot(labels, 1024)), 1)),
    ),
    fused("CrossEntropyGrad", { dy: loss, logits: x, labels, logSumExp }, entropy),
    fused("Dropout", { x }, dropout, () => tf.dropout(x, 0.1, undefined, 1)),
    fused("AdamWUpdate", { parameter: x, gradient: dy, m: dy, v: x.abs() }, adam),
  ];
}
