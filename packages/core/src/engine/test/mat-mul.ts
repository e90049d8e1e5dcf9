/**
 * Matrix products: part of the suite that every engine passes.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import type { EngineName } from "../engine.ts";
import { startEngine } from "../start.ts";
import { expectClose, withoutLeak } from "../testing/check.ts";
import { seededTensor } from "../testing/seeded.ts";

/** Sizes of a product. */
export interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** Around the tile (6 x 8), the depth block (256), the row block (192) and the packing's steps of 4 and 16. */
const SIZES: readonly Case[] = [
  { m: 1, n: 1, k: 1 },
  { m: 7, n: 9, k: 5 },
  { m: 6, n: 8, k: 256 },
  { m: 13, n: 17, k: 300 },
  { m: 5, n: 35, k: 513 },
  { m: 195, n: 3, k: 2 },
  { m: 2, n: 2061, k: 3 },
];
/** Whether each operand is transposed. */
export const TRANSPOSES = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

/** `A[i, p]` and `B[p, j]` of one matrix pair, in float64. */
export function product(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { m, n, k }: Case,
  [transposeA, transposeB]: readonly [boolean, boolean],
): number[] {
  const out: number[] = [];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) {
        sum += a[transposeA ? p * m + i : i * k + p]! * b[transposeB ? j * k + p : p * n + j]!;
      }
      out.push(sum);
    }
  }
  return out;
}

/** The bound on a sum of k products below 1 that rounds at every step, loosely. */
export const tolerance = (k: number): { relative: number; absolute: number } => ({
  relative: 1e-6,
  absolute: 1e-7 * (k + 4),
});

/** Seeded operands whose product has the given sizes. */
export function operands(
  { m, n, k }: Case,
  [transposeA, transposeB]: readonly [boolean, boolean],
): [tf.Tensor, tf.Tensor] {
  return [seededTensor(transposeA ? [k, m] : [m, k], m), seededTensor(transposeB ? [n, k] : [k, n], n + 1)];
}

/** Every test below, on the engine that this thread then has. */
export function describeMatMul(backend: EngineName): void {
  describe(`BatchMatMul on ${backend}`, () => {
    beforeAll(() => startEngine({ prefer: backend }));

    test.each(SIZES)("is the float64 product for $m x $n x $k under every transpose", (size) => {
      withoutLeak(() => {
        for (const transposes of TRANSPOSES) {
          const [a, b] = operands(size, transposes);
          const values = product(a.dataSync(), b.dataSync(), size, transposes);
          expectClose(tf.matMul(a, b, ...transposes), { shape: [size.m, size.n], values }, tolerance(size.k));
        }
      });
    });

    test.each(TRANSPOSES)("broadcasts batch dims with transposes %s, %s", (...transposes) => {
      withoutLeak(() => {
        const size = { m: 5, n: 9, k: 3 };
        const [shapeA, shapeB] = operands(size, transposes).map((t) => t.shape) as [number[], number[]];
        const batches: [number[], number[], number[]][] = [
          [[2], [2], [2]],
          [[4], [1], [4]],
          [[1], [3], [3]],
          [
            [2, 1],
            [1, 3],
            [2, 3],
          ],
          [
            [2, 3],
            [2, 1],
            [2, 3],
          ],
        ];
        for (const [batchA, batchB, batch] of batches) {
          const a = seededTensor([...batchA, ...shapeA], 3);
          const b = seededTensor([...batchB, ...shapeB], 4);
          const wide = (t: tf.Tensor, shape: number[]): Float32Array =>
            tf.broadcastTo(t, [...batch, ...shape]).dataSync<"float32">();
          const [as, bs] = [wide(a, shapeA), wide(b, shapeB)];
          const count = batch.reduce((x, y) => x * y, 1);
          const values = Array.from({ length: count }, (_, i) =>
            product(as.subarray(15 * i, 15 * i + 15), bs.subarray(27 * i, 27 * i + 27), size, transposes),
          ).flat();
          expectClose(tf.matMul(a, b, ...transposes), { shape: [...batch, 5, 9], values }, tolerance(3));
        }
      });
    });

    test("is empty for empty results and zero for empty sums", () => {
      withoutLeak(() => {
        expect(tf.matMul(tf.zeros([0, 3]), tf.ones([3, 2])).shape).toEqual([0, 2]);
        expect(tf.matMul(tf.zeros([4, 3]), tf.ones([3, 0])).shape).toEqual([4, 0]);
        expect(tf.matMul(tf.zeros([0, 4, 3]), tf.ones([0, 3, 5])).shape).toEqual([0, 4, 5]);
        expectClose(tf.matMul(tf.zeros([2, 0]), tf.ones([0, 3])), {
          shape: [2, 3],
          values: [0, 0, 0, 0, 0, 0],
        });
      });
    });

    test.each(TRANSPOSES)("has the float64 gradients with transposes %s, %s", (...transposes) => {
      withoutLeak(() => {
        const size = { m: 7, n: 11, k: 10 };
        const { m, n, k } = size;
        const [a, b] = operands(size, transposes);
        const dy = seededTensor([m, n], 9);
        const [da, db] = tf.grads((x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, ...transposes))([a, b], dy);
        const [transposeA, transposeB] = transposes;
        const [as, bs, ds] = [a.dataSync(), b.dataSync(), dy.dataSync()];
        // dA = dY B^T and dB = A^T dY, each transposed where its operand is.
        const wantA = transposeA
          ? product(bs, ds, { m: k, n: m, k: n }, [transposeB, true])
          : product(ds, bs, { m, n: k, k: n }, [false, !transposeB]);
        const wantB = transposeB
          ? product(ds, as, { m: n, n: k, k: m }, [true, transposeA])
          : product(as, ds, { m: k, n, k: m }, [!transposeA, false]);
        expectClose(da!, { shape: a.shape, values: wantA }, tolerance(n));
        expectClose(db!, { shape: b.shape, values: wantB }, tolerance(m));
      });
    });

    test("multiplies int32 exactly", () => {
      withoutLeak(() => {
        const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3], "int32");
        const b = tf.tensor2d([7, -8, 9, 10, 11, 12], [3, 2], "int32");
        const out = tf.matMul(a, b);
        expect(out.dtype).toBe("int32");
        expect([...out.dataSync()]).toEqual([58, 48, 139, 90]);
      });
    });

    test.each(["linear", "relu", "relu6", "elu", "sigmoid", "leakyrelu"] as const)(
      "_FusedMatMul adds the bias and applies %s",
      (activation) => {
        withoutLeak(() => {
          const [a, b] = operands({ m: 5, n: 11, k: 7 }, [false, true]);
          const bias = seededTensor([11], 6);
          const sum = tf.matMul(a, b, false, true).add(bias);
          const want = {
            linear: () => sum,
            relu: () => sum.relu(),
            relu6: () => tf.relu6(sum),
            elu: () => tf.elu(sum),
            sigmoid: () => sum.sigmoid(),
            leakyrelu: () => tf.leakyRelu(sum, 0.3),
          }[activation]();
          const got = tf.fused.matMul({ a, b, transposeB: true, bias, activation, leakyreluAlpha: 0.3 });
          expectClose(got, { shape: [5, 11], values: want.dataSync() });
        });
      },
    );
  });
}
