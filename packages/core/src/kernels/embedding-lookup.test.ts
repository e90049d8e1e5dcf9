import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { TEST_BACKENDS, useTestEngine } from "../../test/golden/test-engine.ts";
import { ContractError } from "../errors.ts";
import { embeddingLookup } from "./embedding-lookup.ts";

describe.each(TEST_BACKENDS)("embeddingLookup on the %s backend", (backendName) => {
  beforeAll(() => useTestEngine(backendName));

  test("equals gather, value and gradient, with repeated and missing rows", () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const table = tf.randomUniform([5, 3], -1, 1, "float32", 1);
      const indices = tf.tensor2d([4, 0, 4, 2], [2, 2], "int32");
      const dy = tf.randomUniform([2, 2, 3], -1, 1, "float32", 2);
      const ours = tf.valueAndGrad((t: tf.Tensor) => embeddingLookup(t, indices))(table, dy);
      const plain = tf.valueAndGrad((t: tf.Tensor) => tf.gather(t, indices))(table, dy);
      for (const part of ["value", "grad"] as const) {
        expect(ours[part].shape).toEqual(plain[part].shape);
        expect([...ours[part].dataSync()]).toEqual([...plain[part].dataSync()]);
      }
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  test("the part of a table gives zeros for rows that others hold, and the parts add up", () => {
    tf.tidy(() => {
      const table = tf.randomUniform([5, 3], -1, 1, "float32", 1);
      const indices = tf.tensor1d([4, 0, 3, 3], "int32");
      const dy = tf.randomUniform([4, 3], -1, 1, "float32", 2);
      const run = (kernel: string, inputs: tf.NamedTensorMap, firstRow: number): tf.Tensor =>
        tf.engine().runKernel<tf.Tensor>(kernel, inputs, { numRows: 5, firstRow });
      const parts = [tf.slice(table, 0, 3), tf.slice(table, 3, 2)] as const;
      const rows = parts.map((part, i) => run("EmbeddingLookup", { table: part, indices }, 3 * i));
      expect([...tf.add(rows[0]!, rows[1]!).dataSync()]).toEqual([...tf.gather(table, indices).dataSync()]);
      expect([...tf.slice(rows[0]!, 0, 1).dataSync()]).toEqual([0, 0, 0]);
      const grads = parts.map((part, i) => run("EmbeddingLookupGrad", { dy, indices, table: part }, 3 * i));
      const whole = run("EmbeddingLookupGrad", { dy, indices, table }, 0);
      expect([...tf.concat(grads, 0).dataSync()]).toEqual([...whole.dataSync()]);
    });
  });

  test("names an index outside the table, and refuses other shapes and dtypes", () => {
    expect(() => embeddingLookup(tf.zeros([5, 3]), tf.tensor1d([1, 5], "int32"))).toThrow(
      new ContractError(
        "EmbeddingLookup: index at position 1 (5) must be in 0..4, the rows of the table; use indices below 5.",
      ),
    );
    expect(() => embeddingLookup(tf.zeros([5, 3]), tf.tensor1d([-1], "int32"))).toThrow(
      "EmbeddingLookup: index at position 0 (-1)",
    );
    expect(() => embeddingLookup(tf.zeros([5]), tf.tensor1d([1], "int32"))).toThrow(
      new ContractError("embeddingLookup: table (shape [5]) must have shape [V, D]; use tf.reshape."),
    );
    expect(() => embeddingLookup(tf.zeros([5, 3]), tf.tensor1d([1]))).toThrow(
      new ContractError('embeddingLookup: indices (float32) must be int32; use tf.cast(t, "int32").'),
    );
  });
});
