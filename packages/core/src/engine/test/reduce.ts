/**
 * Reductions: part of the suite that every engine passes.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import type { EngineName } from "../engine.ts";
import { startEngine } from "../start.ts";
import { expectClose, withoutLeak } from "../testing/check.ts";
import { seededTensor } from "../testing/seeded.ts";

/** Reduces `x` over `axes` with `combine`, in float64. */
function reduce(
  x: tf.Tensor,
  axes: readonly number[],
  { start, combine }: { readonly start: number; readonly combine: (total: number, value: number) => number },
): { shape: number[]; values: number[] } {
  const shape = x.shape.filter((_, dim) => !axes.includes(dim));
  const values = new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(start);
  x.dataSync().forEach((value, flat) => {
    let rest = flat;
    const index = x.shape.map(() => 0);
    for (let dim = x.shape.length - 1; dim >= 0; dim--) {
      index[dim] = rest % x.shape[dim]!;
      rest = Math.floor(rest / x.shape[dim]!);
    }
    const kept = index.filter((_, dim) => !axes.includes(dim));
    const at = kept.reduce((sum, i, dim) => sum * shape[dim]! + i, 0);
    values[at] = combine(values[at]!, value);
  });
  return { shape, values };
}

const add = { start: 0, combine: (total: number, value: number) => total + value };

/** Every test below, on the engine that this thread then has. */
export function describeReductions(backend: EngineName): void {
  describe(`reductions on ${backend}`, () => {
    beforeAll(() => startEngine({ prefer: backend }));
    // TensorFlow adds a row in a few lanes of float32, here up to a thousand numbers below 1.
    const sums = backend === "tensorflow" ? { absolute: 4e-6 } : {};

    test.each([
      { shape: [7], axes: [0] },
      { shape: [5, 9], axes: [1] },
      { shape: [37, 13], axes: [0] },
      { shape: [3, 5, 7], axes: [1] },
      { shape: [3, 5, 7], axes: [0, 2] },
      { shape: [2, 3, 5, 7], axes: [0, 1] },
      { shape: [2, 3, 5, 7], axes: [1, 3] },
      { shape: [2, 1, 5, 3], axes: [1] },
      { shape: [2, 1033], axes: [1] },
    ])("Sum and Mean of $shape over $axes are the float64 ones", ({ shape, axes }) => {
      withoutLeak(() => {
        const x = seededTensor(shape, 3);
        const want = reduce(x, axes, add);
        const count = x.size / want.values.length;
        const means = want.values.map((sum) => sum / count);
        expectClose(tf.sum(x, axes), want, sums);
        expectClose(tf.mean(x, axes), { shape: want.shape, values: means });
        const kept = shape.map((size, dim) => (axes.includes(dim) ? 1 : size));
        expectClose(tf.sum(x, axes, true), { shape: kept, values: want.values }, sums);
        expectClose(tf.mean(x, axes, true), { shape: kept, values: means });
      });
    });

    test("Sum and Mean of a million tenths keep their digits", () => {
      withoutLeak(() => {
        const x = tf.fill([1_000_000], 0.1);
        // Naive float32 addition is off by 1e-2 here.
        const tolerance = { relative: backend === "tensorflow" ? 4e-6 : 3e-7, absolute: 0 };
        const tenth = Math.fround(0.1);
        expectClose(tf.sum(x), { shape: [], values: [1e6 * tenth] }, tolerance);
        expectClose(tf.mean(x), { shape: [], values: [tenth] }, tolerance);
        const columns = tf.fill([500_000, 2], 0.1);
        expectClose(tf.sum(columns, 0), { shape: [2], values: [5e5 * tenth, 5e5 * tenth] }, tolerance);
      });
    });

    // TensorFlow's order of addition depends on the number of columns.
    test.skipIf(backend === "tensorflow")(
      "a column's sum is the same with and without its neighbours",
      () => {
        withoutLeak(() => {
          const x = seededTensor([333, 29], 4);
          const all = tf.sum(x, 0);
          for (const [start, size] of [
            [0, 3],
            [5, 8],
            [13, 16],
          ] as const) {
            expect(tf.sum(x.slice([0, start], [333, size]), 0).dataSync()).toEqual(
              all.slice(start, size).dataSync(),
            );
          }
        });
      },
    );

    test("sums of nothing are zero, and empty results are empty", () => {
      withoutLeak(() => {
        expectClose(tf.sum(tf.zeros([3, 0]), 1), { shape: [3], values: [0, 0, 0] });
        expectClose(tf.sum(tf.zeros([0, 2]), 0), { shape: [2], values: [0, 0] });
        expect(tf.sum(tf.zeros([0, 2]), 1).shape).toEqual([0]);
        expect(tf.mean(tf.zeros([0, 2, 3]), [1, 2]).shape).toEqual([0]);
        expectClose(tf.sum(tf.scalar(3)), { shape: [], values: [3] });
      });
    });

    test("Sum of int32 and bool stays exact", () => {
      withoutLeak(() => {
        const x = tf.tensor2d([1, -2, 3, 40, 50, 60], [2, 3], "int32");
        expect([...tf.sum(x, 0).dataSync()]).toEqual([41, 48, 63]);
        expect(tf.sum(tf.tensor1d([true, false, true], "bool")).dataSync()[0]).toBe(2);
      });
    });

    test.each([[[0]], [[1]], [[0, 1]], [[0, 2]]])("Max, Min and Prod over %j are exact", (axes) => {
      withoutLeak(() => {
        const x = seededTensor([3, 5, 7], 8);
        expectClose(tf.max(x, axes), reduce(x, axes, { start: -Infinity, combine: Math.max }));
        expectClose(
          tf.min(x, axes, true).squeeze(axes),
          reduce(x, axes, { start: Infinity, combine: Math.min }),
        );
        expectClose(tf.prod(x, axes), reduce(x, axes, { start: 1, combine: (a, b) => a * b }));
        const flags = tf.greater(x, 0.9);
        expect([...tf.any(flags, axes).dataSync()]).toEqual(
          reduce(flags, axes, { start: 0, combine: (a, b) => a | b }).values,
        );
        expect([...tf.all(flags, axes).dataSync()]).toEqual(
          reduce(flags, axes, { start: 1, combine: (a, b) => a & b }).values,
        );
      });
    });

    test("Sum and Mean have the gradients 1 and 1 / count", () => {
      withoutLeak(() => {
        const x = seededTensor([3, 4], 2);
        const dy = seededTensor([4], 5);
        const wide = Array.from({ length: 12 }, (_, i) => dy.dataSync()[i % 4]!);
        expectClose(tf.grad((t: tf.Tensor) => tf.sum(t, 0))(x, dy), { shape: [3, 4], values: wide });
        expectClose(tf.grad((t: tf.Tensor) => tf.mean(t, 0))(x, dy), {
          shape: [3, 4],
          values: wide.map((d) => d / 3),
        });
      });
    });
  });
}
