import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { registerFusedModels } from "./test/fused-models.ts";
import {
  call,
  checkCalls,
  input,
  keyOf,
  listed,
  ruleOf,
  seeds,
  shapes,
  size,
  type DenseInput,
} from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
  registerFusedModels();
});

/** Rows `[..., D]` with everything that the normalisations take. */
const rows = fc.tuple(shapes(1, 2), size, seeds).map(([lead, features, seed]) => ({
  x: input("x", [...lead, features], seed),
  dy: input("dy", [...lead, features], seed),
  gamma: input("gamma", [features], seed),
  beta: input("beta", [features], seed),
  mean: input("mean", lead, seed),
  rstd: input("rstd", lead, seed),
}));

function labels(numRows: number, numClasses: number, seed: number): DenseInput {
  const values = Array.from({ length: numRows }, (_, i) => ((seed % 89) + i * 3) % numClasses);
  return { name: "labels", shape: [numRows], dtype: "int32", values };
}

describe("Rules of fused kernels", () => {
  test("LayerNorm and its gradient equal dense", () => {
    checkCalls(rows.map(({ x, gamma, beta }) => call("LayerNorm", [x, gamma, beta], { epsilon: 1e-5 })));
    checkCalls(rows.map(({ dy, x, gamma, mean, rstd }) => call("LayerNormGrad", [dy, x, gamma, mean, rstd])));
  });

  test("RMSNorm and its gradient equal dense", () => {
    checkCalls(rows.map(({ x, gamma }) => call("RMSNorm", [x, gamma], { epsilon: 1e-5 })));
    checkCalls(rows.map(({ dy, x, gamma, rstd }) => call("RMSNormGrad", [dy, x, gamma, rstd])));
  });

  test("Gelu and its gradient equal dense", () => {
    checkCalls(rows.map(({ x }) => call("Gelu", [x], { approximate: "tanh" })));
    checkCalls(rows.map(({ dy, x }) => call("GeluGrad", [dy, x], { approximate: "tanh" })));
  });

  test("CrossEntropy and its gradient equal dense", () => {
    const batch = fc.tuple(size, size, seeds).map(([t, v, seed]) => ({
      dy: input("dy", [t], seed),
      logits: input("logits", [t, v], seed),
      labels: labels(t, v, seed),
      logSumExp: input("logSumExp", [t], seed),
    }));
    checkCalls(batch.map(({ logits, labels: wanted }) => call("CrossEntropy", [logits, wanted])));
    checkCalls(
      batch.map(({ dy, logits, labels: wanted, logSumExp }) =>
        call("CrossEntropyGrad", [dy, logits, wanted, logSumExp]),
      ),
    );
  });

  test("Dropout draws on a shard what the whole would hold", () => {
    checkCalls(
      fc.tuple(shapes(1, 3), seeds).map(([shape, seed]) =>
        call("Dropout", [input("x", shape, seed)], {
          rate: 0.5,
          key: (seed % 4) + 1,
          globalShape: shape,
          offset: shape.map(() => 0),
        }),
      ),
      80,
    );
    expect(ruleOf("Dropout").dynamicAttrs).toBe(true);
  });

  test("AdamWUpdate equals dense", () => {
    checkCalls(
      fc.tuple(shapes(0, 3), seeds).map(([shape, seed]) =>
        call(
          "AdamWUpdate",
          ["parameter", "gradient", "m", "v"].map((name) => input(name, shape, seed)),
          { learningRate: 0.5, step: 3 },
        ),
      ),
    );
  });
});

describe("Strategies of fused kernels", () => {
  const x = input("x", [2, 3, 4], 1);
  const gamma = input("gamma", [4], 1);
  const statistic = (name: string): DenseInput => input(name, [2, 3], 1);

  test("the gradients of shared parameters are partial sums; nothing partial comes in", () => {
    expect(
      listed(call("LayerNormGrad", [{ ...x, name: "dy" }, x, gamma, statistic("mean"), statistic("rstd")])),
    ).toEqual([
      'Shard(0), Shard(0), Replicate(), Shard(0), Shard(0) -> Shard(0), Partial("sum"), Partial("sum")',
      'Shard(1), Shard(1), Replicate(), Shard(1), Shard(1) -> Shard(1), Partial("sum"), Partial("sum")',
    ]);
    expect(listed(call("RMSNormGrad", [{ ...x, name: "dy" }, x, gamma, statistic("rstd")]))).toEqual([
      'Shard(0), Shard(0), Replicate(), Shard(0) -> Shard(0), Partial("sum")',
      'Shard(1), Shard(1), Replicate(), Shard(1) -> Shard(1), Partial("sum")',
    ]);
  });

  test("rows may be split, features and classes not", () => {
    expect(listed(call("LayerNorm", [x, gamma, { ...gamma, name: "beta" }]))).toEqual([
      "Shard(0), Replicate(), Replicate() -> Shard(0), Shard(0), Shard(0)",
      "Shard(1), Replicate(), Replicate() -> Shard(1), Shard(1), Shard(1)",
    ]);
    expect(listed(call("RMSNorm", [x, gamma]))).toHaveLength(2);
    expect(listed(call("CrossEntropy", [input("logits", [3, 5], 1), labels(3, 5, 1)]))).toEqual([
      "Shard(0), Shard(0) -> Shard(0), Shard(0)",
    ]);
    expect(
      listed(
        call("CrossEntropyGrad", [
          input("dy", [3], 1),
          input("logits", [3, 5], 1),
          labels(3, 5, 1),
          input("logSumExp", [3], 1),
        ]),
      ),
    ).toEqual(["Shard(0), Shard(0), Shard(0), Shard(0) -> Shard(0)"]);
  });

  test("an optimizer step splits all four tensors alike, and its key leaves out step and learning rate", () => {
    const tensors = ["parameter", "gradient", "m", "v"].map((name) => input(name, [3, 4], 1));
    expect(listed(call("AdamWUpdate", tensors))).toEqual([
      "Shard(0), Shard(0), Shard(0), Shard(0) -> Shard(0), Shard(0), Shard(0)",
      "Shard(1), Shard(1), Shard(1), Shard(1) -> Shard(1), Shard(1), Shard(1)",
    ]);
    expect(keyOf("AdamWUpdate", { step: 1, learningRate: 0.1 })).toBe(
      keyOf("AdamWUpdate", { step: 2, learningRate: 0.05 }),
    );
    expect(ruleOf("AdamWUpdate")).not.toHaveProperty("localAttrs");
  });
});
