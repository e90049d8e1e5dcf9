import * as tf from "@tensorflow/tfjs";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startEngine } from "../start.ts";
import { expectClose, withoutLeak } from "../testing/check.ts";
import { seeded, seededTensor } from "../testing/seeded.ts";

beforeAll(async () => {
  await startEngine({ prefer: "wasm" });
});

interface UnaryCase {
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
const ALL = [0, -0, 1, -1, Infinity, -Infinity, NaN, 1e-30, -1e-30];
const POSITIVE = [0, 1, Infinity, 1e-30, 1e30];

const UNARY: readonly UnaryCase[] = [
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

describe.each(["wasm", "cpu"])("elementwise on %s", (backend) => {
  beforeEach(async () => {
    await tf.setBackend(backend);
  });

  // The cpu backend's erf has an error of 1.5e-7 (Abramowitz and Stegun 7.1.26); near 0 that is not relative.
  const absoluteFor = (name: string): number => (name === "erf" && backend === "cpu" ? 4e-7 : 2e-38);

  test.each(UNARY)("$name is within 6 roundings of float64", ({ name, run, float64, range, edges }) => {
    withoutLeak(() => {
      for (const count of [0, 1, 2, 3, 4, 5, 1003]) {
        const x = seededTensor([count], count + 1, range);
        const values = [...x.dataSync()].map(float64);
        expectClose(run(x), { shape: [count], values }, { relative: 4e-7, absolute: absoluteFor(name) });
      }
      const inputs = edges.map(Math.fround);
      const values = inputs.map((x) => Math.fround(float64(x)));
      const tolerance = { relative: 4e-7, absolute: Math.max(absoluteFor(name), 1e-37) };
      expectClose(run(tf.tensor1d(inputs)), { shape: [inputs.length], values }, tolerance);
    });
  });

  test.each(UNARY)("$name has the float64 gradient", ({ run, derivative, range }) => {
    withoutLeak(() => {
      // The far ends of exp would only test how float32 overflows.
      const x = seededTensor([3, 7], 4, [Math.max(range[0], -3), Math.min(range[1], 3)]);
      const dy = seededTensor([3, 7], 6);
      const values = [...x.dataSync()].map((value, i) => dy.dataSync()[i]! * derivative(value));
      expectClose(tf.grad(run)(x, dy), { shape: [3, 7], values }, { relative: 1e-5, absolute: 1e-6 });
    });
  });

  test.each([
    { name: "maximum", run: tf.maximum, float64: Math.max },
    { name: "minimum", run: tf.minimum, float64: Math.min },
    { name: "equal", run: tf.equal, float64: (a: number, b: number) => Number(a === b) },
    { name: "notEqual", run: tf.notEqual, float64: (a: number, b: number) => Number(a !== b) },
    { name: "less", run: tf.less, float64: (a: number, b: number) => Number(a < b) },
    { name: "lessEqual", run: tf.lessEqual, float64: (a: number, b: number) => Number(a <= b) },
    { name: "greater", run: tf.greater, float64: (a: number, b: number) => Number(a > b) },
    { name: "greaterEqual", run: tf.greaterEqual, float64: (a: number, b: number) => Number(a >= b) },
  ])("$name broadcasts exactly", ({ run, float64 }) => {
    withoutLeak(() => {
      const shapes: [number[], number[]][] = [
        [
          [3, 21],
          [3, 21],
        ],
        [[3, 21], [21]],
        [
          [3, 1],
          [3, 21],
        ],
        [[5], []],
        [
          [2, 1, 5],
          [3, 1],
        ],
        [[], []],
        [[0, 3], [3]],
      ];
      for (const [shapeA, shapeB] of shapes) {
        // Few different values, so that equality happens.
        const coarse = (shape: number[], seed: number): tf.Tensor =>
          tf.round(seededTensor(shape, seed, [-3, 3]));
        const [a, b] = [coarse(shapeA, 1), coarse(shapeB, 2)];
        const out = run(a, b);
        const [wideA, wideB] = [a, b].map((t) => tf.broadcastTo(t, out.shape).dataSync());
        expect([...out.dataSync()].map(Number)).toEqual([...wideA!].map((x, i) => float64(x, wideB![i]!)));
      }
    });
  });

  test("comparisons with NaN are false, and extremes of NaN are NaN", () => {
    withoutLeak(() => {
      const [a, b] = [tf.tensor1d([NaN, 1, NaN, 0, 5]), tf.tensor1d([1, NaN, NaN, 0, 2])];
      expect([...tf.equal(a, b).dataSync()]).toEqual([0, 0, 0, 1, 0]);
      expect([...tf.notEqual(a, b).dataSync()]).toEqual([1, 1, 1, 0, 1]);
      expect([...tf.maximum(a, b).dataSync()]).toEqual([NaN, NaN, NaN, 0, 5]);
    });
  });

  test("where picks, for float32 and int32", () => {
    withoutLeak(() => {
      const condition = tf.tensor2d([1, 0, 0, 1, 1, 0, 1], [1, 7], "bool");
      for (const dtype of ["float32", "int32"] as const) {
        const t = tf.tensor2d([1, 2, 3, 4, 5, 6, 7], [1, 7], dtype);
        const out = tf.where(condition, t, tf.neg(t));
        expect([out.dtype, ...out.dataSync()]).toEqual([dtype, 1, -2, -3, 4, 5, -6, 7]);
      }
    });
  });

  test("a cast to bool is true for everything but zero", () => {
    withoutLeak(() => {
      expect([...tf.cast(tf.tensor1d([0, 0.5, -0.25, 3, NaN, -0]), "bool").dataSync()]).toEqual([
        0, 1, 1, 1, 1, 0,
      ]);
      expect([...tf.cast(tf.tensor1d([0, 256, -1], "int32"), "bool").dataSync()]).toEqual([0, 1, 1]);
      expect([...tf.cast(tf.tensor1d([1.7, -1.7]), "int32").dataSync()]).toEqual([1, -1]);
    });
  });

  test.each([
    { name: "add", run: tf.add, float64: (a: number, b: number) => a + b },
    { name: "sub", run: tf.sub, float64: (a: number, b: number) => a - b },
    { name: "mul", run: tf.mul, float64: (a: number, b: number) => a * b },
    { name: "div", run: tf.div, float64: (a: number, b: number) => a / b },
    { name: "squaredDifference", run: tf.squaredDifference, float64: (a: number, b: number) => (a - b) ** 2 },
  ])("$name (stock) is right for every broadcast of a training step", ({ run, float64 }) => {
    withoutLeak(() => {
      for (const [shapeA, shapeB] of [
        [[5, 7], [7]],
        [
          [5, 7],
          [5, 1],
        ],
        [[5, 7], []],
        [
          [5, 7],
          [5, 7],
        ],
        [
          [2, 3, 5],
          [3, 1],
        ],
        [[0, 7], [7]],
      ] as const) {
        const [a, b] = [seededTensor(shapeA, 1, [1, 2]), seededTensor(shapeB, 2, [1, 2])];
        const out = run(a, b);
        const [wideA, wideB] = [a, b].map((t) => tf.broadcastTo(t, out.shape).dataSync());
        expectClose(out, { shape: shapeA, values: [...wideA!].map((x, i) => float64(x, wideB![i]!)) });
      }
    });
  });

  test("logSoftmax, logSumExp and softmax are the float64 ones", () => {
    withoutLeak(() => {
      const x = tf.tensor2d(seeded(3 * 301, 5, [-30, 30]), [3, 301]);
      const xs = x.dataSync();
      const logSums = [0, 1, 2].map((r) => {
        const row = [...xs.subarray(301 * r, 301 * r + 301)];
        const top = Math.max(...row);
        return top + Math.log(row.reduce((sum, value) => sum + Math.exp(value - top), 0));
      });
      const shifted = [...xs].map((value, i) => value - logSums[Math.floor(i / 301)]!);
      expectClose(tf.logSumExp(x, 1), { shape: [3], values: logSums }, { relative: 5e-7 });
      expectClose(tf.logSoftmax(x), { shape: [3, 301], values: shifted }, { relative: 5e-7, absolute: 5e-6 });
      expectClose(tf.softmax(x), { shape: [3, 301], values: shifted.map(Math.exp) }, { relative: 5e-6 });
      expect(tf.softmax(tf.zeros([0, 5])).shape).toEqual([0, 5]);
    });
  });
});
