import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { KernelAttrs } from "./rule.ts";
import { call, checkCalls, input, listed, keyOf, seeds, size } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

/** Batch dims that the cpu backend multiplies rightly: equal, or one operand without (or with leading ones). */
const batches = fc.constantFrom<readonly [number[], number[]]>(
  [[], []],
  [[3], [3]],
  [
    [2, 3],
    [2, 3],
  ],
  [[3], []],
  [[], [3]],
  [[2, 3], [3]],
  [
    [1, 3],
    [2, 3],
  ],
  [[3], [1]],
);

const products = fc
  .record({
    batches,
    m: size,
    k: size,
    n: size,
    transposeA: fc.boolean(),
    transposeB: fc.boolean(),
    seed: seeds,
  })
  .map(({ batches: [batchA, batchB], m, k, n, transposeA, transposeB, seed }) => ({
    a: input("a", [...batchA, ...(transposeA ? [k, m] : [m, k])], seed),
    b: input("b", [...batchB, ...(transposeB ? [n, k] : [k, n])], seed),
    attrs: { transposeA, transposeB },
    seed,
    n,
  }));

describe("MatMul rule", () => {
  test("BatchMatMul equals dense with every batch, transpose and strategy", () => {
    checkCalls(
      products.map(({ a, b, attrs }) => call("BatchMatMul", [a, b], attrs)),
      150,
    );
  });

  test("_FusedMatMul equals dense with bias and activation", () => {
    const extras = fc.record({
      bias: fc.constantFrom("none", "row", "scalar"),
      activation: fc.constantFrom("linear", "relu", "prelu"),
    });
    checkCalls(
      fc.tuple(products, extras).map(([{ a, b, attrs, seed, n }, { bias, activation }]) => {
        const inputs = [a, b];
        if (bias !== "none") inputs.push(input("bias", bias === "row" ? [n] : [], seed));
        if (activation === "prelu") inputs.push(input("preluActivationWeights", [n], seed));
        return call("_FusedMatMul", inputs, { ...attrs, activation });
      }),
      150,
    );
  });

  test("lists rows, columns, contraction and the linear passes, in that order", () => {
    const a = input("a", [2, 3], 1);
    const b = input("b", [3, 4], 1);
    expect(listed(call("BatchMatMul", [a, b], { transposeA: false, transposeB: false }))).toEqual([
      "Shard(0), Replicate() -> Shard(0)",
      "Replicate(), Shard(1) -> Shard(1)",
      'Shard(1), Shard(0) -> Partial("sum")',
      'Partial("sum"), Replicate() -> Partial("sum")',
      'Replicate(), Partial("sum") -> Partial("sum")',
    ]);
  });

  test("a transposed operand swaps its rows and its contraction", () => {
    const a = input("a", [3, 2], 1);
    const b = input("b", [4, 3], 1);
    expect(listed(call("BatchMatMul", [a, b], { transposeA: true, transposeB: true })).slice(0, 3)).toEqual([
      "Shard(1), Replicate() -> Shard(0)",
      "Replicate(), Shard(0) -> Shard(1)",
      'Shard(0), Shard(1) -> Partial("sum")',
    ]);
  });

  test("a broadcast operand stays whole along the batch", () => {
    const a = input("a", [5, 2, 3], 1);
    const b = input("b", [1, 3, 4], 1);
    expect(listed(call("BatchMatMul", [a, b], { transposeA: false, transposeB: false }))).toContain(
      "Shard(0), Replicate() -> Shard(0)",
    );
  });

  test("a bias or an activation forbids partial results", () => {
    const operands = [input("a", [2, 3], 1), input("b", [3, 4], 1)];
    const fused = (inputs: typeof operands, activation: string): string[] =>
      listed(call("_FusedMatMul", inputs, { transposeA: false, transposeB: false, activation }));
    expect(fused(operands, "linear")).toHaveLength(5);
    expect(fused(operands, "relu")).toHaveLength(2);
    expect(fused([...operands, input("bias", [4], 1)], "linear")).toEqual([
      "Shard(0), Replicate(), Replicate() -> Shard(0)",
      "Replicate(), Shard(1), Shard(0) -> Shard(1)",
    ]);
  });

  test("the cache key tells transposes and activations apart", () => {
    const key = (attrs: KernelAttrs): string => keyOf("_FusedMatMul", attrs);
    const keys = [
      { transposeA: false, transposeB: false },
      { transposeA: true, transposeB: false },
      { transposeA: false, transposeB: true },
      { transposeA: false, transposeB: false, activation: "relu" },
    ].map((attrs) => key(attrs));
    expect(new Set(keys).size).toBe(4);
    expect(key({ transposeA: false, transposeB: false, activation: "linear" })).toBe(keys[0]);
  });
});
