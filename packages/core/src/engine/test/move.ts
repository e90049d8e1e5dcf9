/**
 * Kernels that move elements: part of the suite that every engine passes.
 *
 * @packageDocumentation
 */
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { ContractError } from "../../errors.ts";
import type { EngineName } from "../engine.ts";
import { startEngine } from "../start.ts";
import { expectClose, withoutLeak } from "../testing/check.ts";
import { seededTensor } from "../testing/seeded.ts";

/** 0, 1, 2, ... */
function counted(shape: readonly number[], dtype: "float32" | "int32" | "bool" = "float32"): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: size }, (_, i) => (dtype === "bool" ? (i % 3) % 2 : i));
  return tf.tensor(values, [...shape], dtype);
}

/** All multi-indices of a shape in row-major order. */
function indices(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (lists, size) => lists.flatMap((list) => Array.from({ length: size }, (_, i) => [...list, i])),
    [[]],
  );
}

/** Reads `x` at each multi-index. */
function pick(x: tf.Tensor, at: readonly (readonly number[])[]): number[] {
  const values = x.dataSync();
  return at.map((index) => values[index.reduce((flat, i, dim) => flat * x.shape[dim]! + i, 0)]!);
}

/** Every test below, on the engine that this thread then has. */
export function describeMoves(backend: EngineName): void {
  describe(`moving kernels on ${backend}`, () => {
    beforeAll(() => startEngine({ prefer: backend }));

    test.each([
      { shape: [5, 7], perm: [1, 0] },
      { shape: [37, 19], perm: [1, 0] },
      { shape: [3, 5, 7], perm: [0, 2, 1] },
      { shape: [3, 5, 7], perm: [1, 0, 2] },
      { shape: [3, 5, 7], perm: [2, 1, 0] },
      { shape: [3, 5, 7], perm: [1, 2, 0] },
      { shape: [2, 5, 3, 9], perm: [0, 2, 1, 3] },
      { shape: [2, 5, 3, 9], perm: [3, 1, 0, 2] },
      { shape: [2, 1, 3, 1], perm: [3, 2, 1, 0] },
      { shape: [1, 4, 1], perm: [2, 0, 1] },
      { shape: [2, 0, 3], perm: [2, 0, 1] },
      { shape: [6], perm: [0] },
    ])("Transpose of $shape by $perm", ({ shape, perm }) => {
      withoutLeak(() => {
        for (const dtype of ["float32", "int32", "bool"] as const) {
          const x = counted(shape, dtype);
          const out = tf.transpose(x, perm);
          const target = perm.map((dim) => shape[dim]!);
          const at = indices(target).map((index) => shape.map((_, dim) => index[perm.indexOf(dim)]!));
          expect([out.shape, out.dtype, [...out.dataSync()]]).toEqual([target, dtype, pick(x, at)]);
        }
      });
    });

    test.each([
      { shape: [7, 9], begin: [2, 0], size: [3, 9] },
      { shape: [7, 9], begin: [0, 4], size: [7, 1] },
      { shape: [3, 5, 7], begin: [1, 0, 2], size: [2, 5, 4] },
      { shape: [3, 5, 7], begin: [0, 1, 0], size: [3, 2, 7] },
      { shape: [2, 3, 5, 2], begin: [1, 1, 1, 1], size: [1, 2, 3, 1] },
      { shape: [4, 5], begin: [1, 5], size: [2, 0] },
    ])("Slice of $shape at $begin", ({ shape, begin, size }) => {
      withoutLeak(() => {
        for (const dtype of ["float32", "int32", "bool"] as const) {
          const x = counted(shape, dtype);
          const out = tf.slice(x, begin, size);
          const at = indices(size).map((index) => index.map((i, dim) => i + begin[dim]!));
          expect([out.shape, [...out.dataSync()]]).toEqual([size, pick(x, at)]);
        }
      });
    });

    test.each([0, 1, 2])("split, unstack and concat along %i undo each other", (axis) => {
      withoutLeak(() => {
        const x = seededTensor([4, 6, 8], 3);
        expectClose(tf.concat(tf.split(x, 2, axis), axis), { shape: x.shape, values: x.dataSync() });
        const sizes = [1, 0, x.shape[axis]! - 1];
        expectClose(tf.concat(tf.split(x, sizes, axis), axis), { shape: x.shape, values: x.dataSync() });
        const pieces = tf.unstack(x, axis);
        expect(pieces.map((piece) => piece.shape)).toEqual(
          Array(x.shape[axis]).fill(x.shape.filter((_, dim) => dim !== axis)),
        );
        expectClose(tf.stack(pieces, axis), { shape: x.shape, values: x.dataSync() });
      });
    });

    test("concat and slice have each other's gradients", () => {
      withoutLeak(() => {
        const [a, b] = [seededTensor([2, 3], 1), seededTensor([2, 2], 2)];
        const dy = counted([2, 5]);
        const [da, db] = tf.grads((x: tf.Tensor, y: tf.Tensor) => tf.concat([x, y], 1))([a, b], dy);
        expectClose(da!, { shape: [2, 3], values: [0, 1, 2, 5, 6, 7] });
        expectClose(db!, { shape: [2, 2], values: [3, 4, 8, 9] });
        const dx = tf.grad((x: tf.Tensor) => tf.slice(x, [0, 1], [2, 2]))(a, counted([2, 2]));
        expectClose(dx, { shape: [2, 3], values: [0, 0, 1, 0, 2, 3] });
      });
    });

    test.each([
      { shape: [3], reps: [4] },
      { shape: [1, 5], reps: [3, 1] },
      { shape: [5, 1], reps: [1, 7] },
      { shape: [2, 3], reps: [2, 3] },
      { shape: [2, 1, 3], reps: [1, 4, 2] },
      { shape: [2, 3], reps: [0, 2] },
      { shape: [0, 3], reps: [2, 2] },
    ])("Tile of $shape by $reps", ({ shape, reps }) => {
      withoutLeak(() => {
        for (const dtype of ["float32", "int32", "bool"] as const) {
          const x = counted(shape, dtype);
          const out = tf.tile(x, reps);
          const target = shape.map((size, dim) => size * reps[dim]!);
          const at = indices(target).map((index) => index.map((i, dim) => i % shape[dim]!));
          expect([out.shape, [...out.dataSync()]]).toEqual([target, pick(x, at)]);
        }
      });
    });

    test.each([0, 1, 2])("gather along axis %i, and its gradient", (axis) => {
      withoutLeak(() => {
        const x = counted([4, 5, 3]);
        const chosen = [2, 0, 2, 1, 0];
        const out = tf.gather(x, tf.tensor1d(chosen, "int32"), axis);
        const shape = x.shape.map((size, dim) => (dim === axis ? 5 : size));
        const at = indices(shape).map((index) => index.map((i, dim) => (dim === axis ? chosen[i]! : i)));
        expectClose(out, { shape, values: pick(x, at) });
        const dy = seededTensor(shape, 7);
        const want = new Array<number>(60).fill(0);
        dy.dataSync().forEach((d, i) => {
          const flat = at[i]!.reduce((sum, index, dim) => sum * x.shape[dim]! + index, 0);
          want[flat] = want[flat]! + d;
        });
        const dx = tf.grad((t: tf.Tensor) => tf.gather(t, tf.tensor1d(chosen, "int32"), axis))(x, dy);
        expectClose(dx, { shape: x.shape, values: want });
      });
    });

    test("gather with one batch dim takes each batch's own indices", () => {
      withoutLeak(() => {
        const x = counted([2, 3, 2]);
        const out = tf.gather(x, tf.tensor2d([2, 0, 1, 1], [2, 2], "int32"), 1, 1);
        expectClose(out, { shape: [2, 2, 2], values: [4, 5, 0, 1, 8, 9, 8, 9] });
      });
    });

    test("gather of nothing is empty", () => {
      withoutLeak(() => {
        expect(tf.gather(counted([4, 3]), tf.tensor1d([], "int32")).shape).toEqual([0, 3]);
      });
    });

    test("unsortedSegmentSum drops ids outside the segments and gathers its gradient", () => {
      withoutLeak(() => {
        const out = tf.unsortedSegmentSum(counted([5, 2]), tf.tensor1d([1, 3, 1, -1, 9], "int32"), 4);
        expectClose(out, { shape: [4, 2], values: [0, 0, 4, 6, 0, 0, 2, 3] });
        const ids = tf.tensor1d([1, 0, 1], "int32");
        const dx = tf.grad((t: tf.Tensor) => tf.unsortedSegmentSum(t, ids, 2))(
          counted([3, 2]),
          counted([2, 2]),
        );
        expectClose(dx, { shape: [3, 2], values: [2, 3, 0, 1, 2, 3] });
      });
    });

    test.each([0, 1, -1])("cumsum and cumprod along axis %i", (axis) => {
      withoutLeak(() => {
        const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
        const [sums, products] =
          axis === 0
            ? [
                [1, 2, 3, 5, 7, 9],
                [1, 2, 3, 4, 10, 18],
              ]
            : [
                [1, 3, 6, 4, 9, 15],
                [1, 2, 6, 4, 20, 120],
              ];
        expectClose(tf.cumsum(x, axis), { shape: [2, 3], values: sums });
        expectClose(tf.cumprod(x, axis), { shape: [2, 3], values: products });
      });
    });

    // The cpu backend does not look.
    test.skipIf(backend === "cpu")("gather names an index outside the dim", () => {
      withoutLeak(() => {
        const gather = (): tf.Tensor => tf.gather(counted([4, 3]), tf.tensor1d([1, 4, 0], "int32"));
        if (backend === "tensorflow") expect(gather).toThrow("the index value 4 is not in [0, 3]");
        else {
          expect(gather).toThrow(
            new ContractError(
              "GatherV2: index at position 1 (4) must be in 0..3, the size of dim 0 of x; use indices below 4.",
            ),
          );
        }
      });
    });
  });
}
