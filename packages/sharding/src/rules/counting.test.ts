import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "./dense-value.ts";
import { call, checkCalls, input, listed, seeds, size, type DenseInput } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

/** Integers from 0 to 5, of which the kernels count those below `size`. */
function counted(shape: readonly number[], seed: number): DenseInput {
  const random = seededRandom(seed);
  const length = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length }, () => Math.floor(random() * 6));
  return { name: "x", shape, dtype: "int32", values };
}

const none: DenseInput = { name: "weights", shape: [0], dtype: "float32", values: [] };

describe("Counting", () => {
  test("Bincount equals dense, with and without weights", () => {
    checkCalls(
      fc
        .tuple(size, fc.boolean(), seeds)
        .map(([n, weighted, seed]) =>
          call("Bincount", [counted([n], seed), weighted ? input("weights", [n], seed) : none], { size: 4 }),
        ),
    );
  });

  test("DenseBincount equals dense, of one dim and two, counted and binary", () => {
    checkCalls(
      fc
        .tuple(fc.constantFrom(1, 2), size, size, fc.boolean(), fc.boolean(), seeds)
        .map(([ndim, batch, n, weighted, binaryOutput, seed]) => {
          const shape = ndim === 1 ? [n] : [batch, n];
          const weights = weighted
            ? input("weights", shape, seed)
            : { ...none, shape: ndim === 1 ? [0] : [0, 0] };
          return call("DenseBincount", [counted(shape, seed), weights], { size: 4, binaryOutput });
        }),
      60,
    );
  });

  test("SearchSorted equals dense", () => {
    checkCalls(
      fc.tuple(size, size, size, fc.constantFrom("left", "right"), seeds).map(([batch, s, n, side, seed]) => {
        const values = Array.from({ length: batch * s }, (_, i) => (i % s) - 1.5);
        return call(
          "SearchSorted",
          [
            { name: "sortedSequence", shape: [batch, s], dtype: "float32", values },
            input("values", [batch, n], seed),
          ],
          { side },
        );
      }),
    );
  });

  test("whether a value occurs is no sum", () => {
    const x = counted([2, 3], 1);
    const weights = { ...none, shape: [0, 0] };
    expect(listed(call("DenseBincount", [x, weights], { size: 4, binaryOutput: false }))).toEqual([
      'Shard(1), Replicate() -> Partial("sum")',
      "Shard(0), Replicate() -> Shard(0)",
    ]);
    expect(listed(call("DenseBincount", [x, weights], { size: 4, binaryOutput: true }))).toEqual([
      "Shard(0), Replicate() -> Shard(0)",
    ]);
  });
});

test("Diag equals dense, of one dim and of several", () => {
  checkCalls(
    fc
      .tuple(fc.array(size, { minLength: 1, maxLength: 2 }), seeds)
      .map(([shape, seed]) => call("Diag", [input("x", shape, seed)])),
  );
  expect(listed(call("Diag", [input("x", [3], 1)]))).toEqual([
    "Shard(0) -> Shard(0)",
    'Partial("sum") -> Partial("sum")',
  ]);
  expect(listed(call("Diag", [input("x", [3, 2], 1)]))).toEqual(['Partial("sum") -> Partial("sum")']);
});
