/**
 * Elementwise kernels, comparisons, casts and softmax: part of the suite that every engine passes.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import type { EngineName } from "../engine.ts";
import { startEngine } from "../start.ts";
import { expectClose, withoutLeak } from "../testing/check.ts";
import { seeded, seededTensor } from "../testing/seeded.ts";
import { SMALLEST_NORMAL, UNARY } from "./unary-cases.ts";

/** Every test below, on the engine that this thread then has. */
export function describeElementwise(backend: EngineName): void {
  describe(`elementwise on ${backend}`, () => {
    beforeAll(() => startEngine({ prefer: backend }));

    // The cpu backend's erf has an error of 1.5e-7 (Abramowitz and Stegun 7.1.26); near 0 that is not relative.
    const absoluteFor = (name: string): number => (name === "erf" && backend === "cpu" ? 4e-7 : 2e-38);

    // TensorFlow takes numbers too small to be normal for the smallest one or for zero.
    const isFlushed = (x: number): boolean =>
      backend === "tensorflow" && x !== 0 && Math.abs(x) < SMALLEST_NORMAL;
    // Which zero is the larger one is open in TensorFlow.
    const sameZero = (x: number): number => (backend === "tensorflow" && x === 0 ? 0 : x);

    test.each(UNARY)("$name is within 6 roundings of float64", ({ name, run, float64, range, edges }) => {
      withoutLeak(() => {
        for (const count of [0, 1, 2, 3, 4, 5, 1003]) {
          const x = seededTensor([count], count + 1, range);
          const values = [...x.dataSync()].map(float64);
          expectClose(run(x), { shape: [count], values }, { relative: 4e-7, absolute: absoluteFor(name) });
        }
        const inputs = edges.map(Math.fround).filter((x) => !isFlushed(x));
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
          expect([...out.dataSync()].map((x) => sameZero(x))).toEqual(
            [...wideA!].map((x, i) => sameZero(float64(x, wideB![i]!))),
          );
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
      {
        name: "squaredDifference",
        run: tf.squaredDifference,
        float64: (a: number, b: number) => (a - b) ** 2,
      },
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
        expectClose(
          tf.logSoftmax(x),
          { shape: [3, 301], values: shifted },
          { relative: 5e-7, absolute: 5e-6 },
        );
        expectClose(tf.softmax(x), { shape: [3, 301], values: shifted.map(Math.exp) }, { relative: 5e-6 });
        expect(tf.softmax(tf.zeros([0, 5])).shape).toEqual([0, 5]);
      });
    });
  });
}
