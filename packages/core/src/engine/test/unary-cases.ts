/**
 * The elementwise functions of the engine suite, with their float64 values and derivatives.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";

/** A function of one number, and what it is in float64. */
export interface UnaryCase {
  readonly name: string;
  readonly run: (x: tf.Tensor) => tf.Tensor;
  readonly float64: (x: number) => number;
  readonly derivative: (x: number) => number;
  readonly range: readonly [number, number];
  readonly edges: readonly number[];
}

/** The Maclaurin series; beyond 5 the float32 value is 1. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** Of float32. */
export const SMALLEST_NORMAL = 2 ** -126;
const ALL = [0, -0, 1, -1, Infinity, -Infinity, NaN, 1e-30, -1e-30];
const POSITIVE = [0, 1, Infinity, 1e-30, 1e30];

/** The elementwise functions that training uses. */
export const UNARY: readonly UnaryCase[] = [
  {
    name: "exp",
    run: (x) => tf.exp(x),
    float64: Math.exp,
    derivative: Math.exp,
    range: [-80, 80],
    edges: [...ALL, 88.7, 88.73, -87.4, -110, 200],
  },
  {
    name: "log",
    run: (x) => tf.log(x),
    float64: Math.log,
    derivative: (x) => 1 / x,
    range: [1e-3, 50],
    edges: [...ALL, 1e-40, 3e38],
  },
  {
    name: "tanh",
    run: (x) => tf.tanh(x),
    float64: Math.tanh,
    derivative: (x) => 1 - Math.tanh(x) ** 2,
    range: [-9, 9],
    edges: [...ALL, 20, -20, 0.0004, 0.0003],
  },
  {
    name: "sigmoid",
    run: (x) => tf.sigmoid(x),
    float64: sigmoid,
    derivative: (x) => sigmoid(x) * (1 - sigmoid(x)),
    range: [-20, 20],
    edges: [...ALL, 100, -80],
  },
  {
    name: "erf",
    run: (x) => tf.erf(x),
    float64: erf,
    derivative: (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x),
    range: [-4, 4],
    edges: [0, 1, -1, 9, -9, Infinity, -Infinity],
  },
  {
    name: "sqrt",
    run: (x) => tf.sqrt(x),
    float64: Math.sqrt,
    derivative: (x) => 0.5 / Math.sqrt(x),
    range: [0.1, 50],
    edges: ALL,
  },
  {
    name: "rsqrt",
    run: (x) => tf.rsqrt(x),
    float64: (x) => 1 / Math.sqrt(x),
    derivative: (x) => -0.5 * x ** -1.5,
    range: [0.1, 50],
    edges: POSITIVE,
  },
  {
    name: "reciprocal",
    run: (x) => tf.reciprocal(x),
    float64: (x) => 1 / x,
    derivative: (x) => -1 / (x * x),
    range: [0.1, 50],
    edges: ALL,
  },
  ...[2, 3, 0.5, -0.5, -1, 1, 1.7].map((exponent) => ({
    name: `pow ${exponent}`,
    run: (x: tf.Tensor) => tf.pow(x, tf.scalar(exponent)),
    float64: (x: number) => x ** exponent,
    derivative: (x: number) => exponent * x ** (exponent - 1),
    range: [0.1, 9] as const,
    edges: POSITIVE,
  })),
];
