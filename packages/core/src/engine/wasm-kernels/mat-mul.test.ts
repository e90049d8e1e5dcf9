import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../start.ts";
import { operands, product, tolerance, TRANSPOSES } from "../test/mat-mul.ts";
import { expectClose, withoutLeak } from "../testing/check.ts";
import { seededTensor } from "../testing/seeded.ts";
import { WasmHeap } from "../wasm-internals.ts";
import { instantiateKernels } from "../wasm-module.ts";

describe("bits of the wasm product", () => {
  beforeAll(() => startEngine({ prefer: "wasm" }));

  test.each(TRANSPOSES)(
    "a row or column shard holds the dense bits with transposes %s, %s",
    (...transposes) => {
      withoutLeak(() => {
        const [m, n, k] = [211, 53, 517];
        const a = seededTensor([m, k], 1);
        const b = seededTensor([k, n], 2);
        const multiply = (x: tf.Tensor, y: tf.Tensor): tf.Tensor =>
          tf.matMul(transposes[0] ? x.transpose() : x, transposes[1] ? y.transpose() : y, ...transposes);
        const dense = multiply(a, b);
        for (const [start, size] of [
          [0, 1],
          [3, 50],
          [11, 7],
        ] as const) {
          const rows = multiply(a.slice([start, 0], [size, k]), b);
          expect(rows.dataSync()).toEqual(dense.slice([start, 0], [size, n]).dataSync());
          const columns = multiply(a, b.slice([0, start], [k, Math.min(size, 42)]));
          expect(columns.dataSync()).toEqual(dense.slice([0, start], [m, Math.min(size, 42)]).dataSync());
        }
        const stacked = multiply(tf.concat([a, a]), b);
        expect(stacked.slice([m, 0], [m, n]).dataSync()).toEqual(dense.dataSync());
      });
    },
  );

  test("a tensor that changed in place gives a fresh product", () => {
    withoutLeak(() => {
      const a = tf.ones([4, 4]);
      const b = seededTensor([4, 4], 5);
      const heap = new WasmHeap(tf.backend());
      const first = tf.matMul(a, b).dataSync();
      const view = heap.view(b);
      for (let i = 0; i < view.length; i++) view[i] = view[i]! * 2;
      expect(tf.matMul(a, b).dataSync()).toEqual(first.map((x) => 2 * x));
    });
  });

  test.each(["plain", "relaxed"] as const)("the %s build computes the float64 product", (build) => {
    withoutLeak(() => {
      const heap = new WasmHeap(tf.backend());
      const { kernels } = instantiateKernels(heap, build);
      const size = { m: 20, n: 29, k: 270 };
      const { m, n, k } = size;
      const [a, b] = operands(size, [false, false]);
      const out = tf.zeros([m, n]);
      const scratch = heap.scratch(kernels.gemmScratchBytes(m, n, k));
      kernels.gemm(heap.address(a), k, 1, heap.address(b), n, 1, heap.address(out), m, n, k, scratch);
      const values = product(a.dataSync(), b.dataSync(), size, [false, false]);
      expectClose(out, { shape: [m, n], values }, tolerance(k));
    });
  });
});
