import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { registerFusedModels } from "./test/fused-models.ts";
import { Shard, type Placement } from "../placement.ts";
import { decide } from "./plan.ts";
import { verifyRule } from "./verify-rule.ts";
import { call, checkCalls, input, listed, ruleOf, seeds, shapes } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
  registerFusedModels();
});

describe("Softmax rules", () => {
  test("Softmax and LogSoftmax equal dense", () => {
    checkCalls(
      fc
        .tuple(shapes(1, 3), fc.boolean(), seeds)
        .map(([shape, last, seed]) =>
          call("Softmax", [input("logits", shape, seed)], { dim: last ? -1 : shape.length - 1 }),
        ),
    );
    checkCalls(
      fc
        .tuple(shapes(1, 3), seeds)
        .map(([shape, seed]) => call("LogSoftmax", [input("logits", shape, seed)], { axis: -1 })),
    );
  });

  test("CausalSoftmax and its gradient equal dense", () => {
    const scores = fc
      .tuple(shapes(0, 2), fc.constantFrom(2, 3, 4), seeds)
      .map(([batch, length, seed]) => ({ shape: [...batch, length, length], seed }));
    checkCalls(scores.map(({ shape, seed }) => call("CausalSoftmax", [input("x", shape, seed)])));
    checkCalls(
      scores.map(({ shape, seed }) =>
        call("CausalSoftmaxGrad", [input("dy", shape, seed), input("y", shape, seed)]),
      ),
    );
  });

  test("a row of which one rank holds only -Infinity is normalised by the others", () => {
    const logits = {
      name: "logits",
      shape: [2, 5],
      dtype: "float32" as const,
      values: [-Infinity, -Infinity, 1, 2, 0, 3, -Infinity, -Infinity, -Infinity, -Infinity],
    };
    const mesh = { axisNames: ["tp"], shape: [3] };
    // Dense, the row is [0, 0, 0.24, 0.67, 0.09]: a softmax of the first rank's part alone would be NaN.
    verifyRule(ruleOf("Softmax"), call("Softmax", [logits], { dim: -1 }), { mesh });
  });

  test("a row that is too long to gather stays split", () => {
    const mesh = { axisNames: ["tp"], shape: [2] };
    const decided = (features: number): Placement => {
      const dense = call("Softmax", [input("logits", [4, features], 1)], { dim: -1 });
      return decide(ruleOf("Softmax"), dense, [[Shard(1)]], mesh).outputs[0]![0]!;
    };
    // Two all-reduces of 16 bytes and their latencies, against one of them and an all-to-all of 4 x features bytes.
    expect(decided(4096)).toEqual(Shard(1));
    expect(decided(64)).toEqual(Shard(0));
  });

  test("every dim may be split but those of causal scores; no partial value passes", () => {
    const x = input("x", [2, 3, 4], 1);
    expect(listed(call("Softmax", [x], { dim: -1 }))).toEqual([
      "Shard(0) -> Shard(0)",
      "Shard(1) -> Shard(1)",
      "Shard(2) -> Shard(2)",
    ]);
    expect(listed(call("LogSoftmax", [x], { axis: 1 }))).toEqual([
      "Shard(0) -> Shard(0)",
      "Shard(2) -> Shard(2)",
      "Shard(1) -> Shard(1)",
    ]);
    expect(listed(call("CausalSoftmax", [x]))).toEqual(["Shard(0) -> Shard(0)"]);
  });
});
