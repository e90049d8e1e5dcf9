import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Replicate, Shard } from "../placement.ts";
import { decide } from "./plan.ts";
import { replay } from "./replay-collectives.ts";
import { combineStatistics, partStatistics } from "./row-statistics.ts";
import { call, checkCalls, input, listed, ruleOf, seeds, shapes, size } from "./test/arbitrary-call.ts";
import { registerFusedModels } from "./test/fused-models.ts";
import { verifyRule } from "./verify-rule.ts";

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

describe("Rules of normalisations", () => {
  test("LayerNorm and its gradient equal dense", () => {
    checkCalls(rows.map(({ x, gamma, beta }) => call("LayerNorm", [x, gamma, beta], { epsilon: 1e-5 })));
    checkCalls(rows.map(({ dy, x, gamma, mean, rstd }) => call("LayerNormGrad", [dy, x, gamma, mean, rstd])));
  });

  test("RMSNorm and its gradient equal dense", () => {
    checkCalls(rows.map(({ x, gamma }) => call("RMSNorm", [x, gamma], { epsilon: 1e-5 })));
    checkCalls(rows.map(({ dy, x, gamma, rstd }) => call("RMSNormGrad", [dy, x, gamma, rstd])));
  });

  test("rows far from zero keep their precision when their features are split", () => {
    const near = input("x", [3, 7], 4);
    const far = { ...near, values: Array.from(near.values, (value) => 4096 + value / 4) };
    const parameters = [input("gamma", [7], 5), input("beta", [7], 6)];
    // The mean travels as float32, 2^-12 exact at 4096; mean(x^2) - mean(x)^2 would lose the whole variance.
    verifyRule(ruleOf("LayerNorm"), call("LayerNorm", [far, ...parameters], { epsilon: 1e-5 }), {
      mesh: { axisNames: ["dp", "tp"], shape: [2, 3] },
      tolerance: 2e-3,
    });
  });
});

describe("Statistics of parts of rows", () => {
  test("are the number of elements, the means, and the sums of squared differences", () => {
    expect(partStatistics(Float32Array.of(3, 1, 5, 5, 2, -7), 2, 3)).toEqual(
      Float32Array.of(2, 2, 5, -2.5, 2, 0, 40.5),
    );
    expect(partStatistics(new Float32Array(0), 0, 2)).toEqual(new Float32Array(5));
  });

  test("combine to those of the whole rows, over nested cuts and with an empty part", () => {
    // One row of 5 elements, cut into 3 + 2 and then into 2 + 1 and 1 + 1 + 0.
    const held = [[3, 1], [8], [], [-4], [7], []];
    const combined = replay({ axisNames: ["dp", "tp"], shape: [2, 3] }, ([dp, tp], groups) => {
      const mine = Float32Array.from(held[dp! * 3 + tp!]!);
      return combineStatistics(partStatistics(mine, mine.length, 1), groups, "row");
    });
    // The mean of 3, 1, 8, -4, 7 is 3; the squared differences are 0, 4, 25, 49, 16.
    for (const statistics of combined) expect(statistics).toEqual(Float32Array.of(5, 3, 94));
  });
});

describe("Strategies of normalisations", () => {
  const x = input("x", [2, 3, 4], 1);
  const gamma = input("gamma", [4], 1);
  const beta = input("beta", [4], 1);
  const [mean, rstd] = ["mean", "rstd"].map((name) => input(name, [2, 3], 1)) as [typeof x, typeof x];

  test("split rows give partial gradients of the parameters, split features gradients that lie like them", () => {
    expect(listed(call("LayerNormGrad", [{ ...x, name: "dy" }, x, gamma, mean, rstd]))).toEqual([
      'Shard(0), Shard(0), Replicate(), Shard(0), Shard(0) -> Shard(0), Partial("sum"), Partial("sum")',
      'Shard(1), Shard(1), Replicate(), Shard(1), Shard(1) -> Shard(1), Partial("sum"), Partial("sum")',
      "Shard(2), Shard(2), Shard(0), Replicate(), Replicate() -> Shard(2), Shard(0), Shard(0)",
    ]);
    expect(listed(call("RMSNormGrad", [{ ...x, name: "dy" }, x, gamma, rstd]))).toEqual([
      'Shard(0), Shard(0), Replicate(), Shard(0) -> Shard(0), Partial("sum")',
      'Shard(1), Shard(1), Replicate(), Shard(1) -> Shard(1), Partial("sum")',
      "Shard(2), Shard(2), Shard(0), Replicate() -> Shard(2), Shard(0)",
    ]);
    expect(listed(call("LayerNorm", [x, gamma, beta]))).toEqual([
      "Shard(0), Replicate(), Replicate() -> Shard(0), Shard(0), Shard(0)",
      "Shard(1), Replicate(), Replicate() -> Shard(1), Shard(1), Shard(1)",
      "Shard(2), Shard(0), Shard(0) -> Shard(2), Replicate(), Replicate()",
    ]);
    expect(listed(call("RMSNorm", [x, gamma]))).toEqual([
      "Shard(0), Replicate() -> Shard(0), Shard(0)",
      "Shard(1), Replicate() -> Shard(1), Shard(1)",
      "Shard(2), Shard(0) -> Shard(2), Replicate()",
    ]);
  });

  test("features that arrive split stay split only where the row is longer than the exchange of its statistics", () => {
    const mesh = { axisNames: ["tp"], shape: [4] };
    const decided = (rowsOfX: number, features: number): string => {
      const wide = call("LayerNorm", [
        input("x", [rowsOfX, features], 1),
        input("gamma", [features], 1),
        input("beta", [features], 1),
      ]);
      const arriving = [[Shard(1)], [Replicate()], [Replicate()]];
      const [placement] = decide(ruleOf("LayerNorm"), wide, arriving, mesh).outputs[0]!;
      return placement!.kind === "shard" ? `Shard(${placement!.dim})` : placement!.kind;
    };
    // Sent per rank: 3 x (2 R + 1) x 4 bytes of statistics, or R D x 4 x 3/16 bytes to split the rows instead.
    expect(decided(64, 160)).toBe("Shard(1)");
    expect(decided(64, 16)).toBe("Shard(0)");
  });
});
