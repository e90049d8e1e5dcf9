import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Partial, Replicate, Shard } from "../placement.ts";
import type { KernelAttrs } from "./rule.ts";
import { call, checkCalls, input, listed, keyOf, ruleOf, seeds, size } from "./test/arbitrary-call.ts";
import { verifyDecision } from "./verify-rule.ts";

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

  test("an activation forbids partial results; a row of biases is a summand of a contraction", () => {
    const operands = [input("a", [2, 6], 1), input("b", [6, 4], 1)];
    const fused = (inputs: typeof operands, activation: string): string[] =>
      listed(call("_FusedMatMul", inputs, { transposeA: false, transposeB: false, activation }));
    const bias = input("bias", [4], 1);
    const whole = [
      "Shard(0), Replicate(), Replicate() -> Shard(0)",
      "Replicate(), Shard(1), Shard(0) -> Shard(1)",
    ];
    expect(fused(operands, "linear")).toHaveLength(5);
    expect(fused(operands, "relu")).toHaveLength(2);
    expect(fused([...operands, bias], "relu")).toEqual(whole);
    expect(fused([...operands, bias], "linear")).toEqual([
      ...whole,
      'Shard(1), Shard(0), Partial("sum") -> Partial("sum")',
    ]);
    // As large as the result: its reduction would not be free.
    expect(fused([...operands, input("bias", [2, 4], 1)], "linear")).toHaveLength(2);
    // One row leaves a rank without any.
    expect(fused([input("a", [2, 1], 1), input("b", [1, 4], 1), bias], "linear")).toEqual(whole);
  });

  test("only a split contraction makes a bias partial", () => {
    const attrs = { transposeA: false, transposeB: false, activation: "linear" };
    const inputs = [input("a", [2, 5], 1), input("b", [5, 4], 1), input("bias", [4], 1)];
    const mesh = { axisNames: ["tp"], shape: [2] };
    const outputs = [Replicate(), Shard(0), Shard(1)].map((b) => {
      const a = b.kind === "shard" && b.dim === 0 ? Shard(1) : Replicate();
      const arriving = [[a], [b], [Replicate()]]; // 5 rows: 3 and 2
      const fused = call("_FusedMatMul", inputs, attrs);
      return verifyDecision(ruleOf("_FusedMatMul"), fused, arriving, { mesh }).outputs[0]![0];
    });
    expect(outputs).toEqual([Replicate(), Partial("sum"), Shard(1)]);
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
