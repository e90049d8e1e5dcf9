import { startEngine } from "@meshwright/core";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { call, checkCalls, input, listed, ruleOf, seeds, shapes, size } from "./test/arbitrary-call.ts";

beforeAll(() => startEngine({ prefer: "cpu" }));

describe("Rule of RotaryEmbedding", () => {
  test("turning equals dense in both directions, whatever the order of the positions", () => {
    checkCalls(
      fc
        .tuple(shapes(0, 2), size, fc.constantFrom(1, 2, 3), fc.boolean(), seeds)
        .map(([lead, T, pairs, inverse, seed]) =>
          call(
            "RotaryEmbedding",
            [input("x", [...lead, T, 2 * pairs], seed), input("positions", [T], seed, "int32")],
            { frequencies: Array.from({ length: pairs }, (_, i) => 0.1 ** i), inverse },
          ),
        ),
      80,
    );
  });

  test("all dims but the features may be split; positions go with their rows", () => {
    const inputs = [input("x", [2, 3, 5, 4], 1), input("positions", [5], 1, "int32")];
    expect(listed(call("RotaryEmbedding", inputs, { frequencies: [1, 0.1], inverse: false }))).toEqual([
      "Shard(0), Replicate() -> Shard(0)",
      "Shard(1), Replicate() -> Shard(1)",
      "Shard(2), Shard(0) -> Shard(2)",
    ]);
    // Directions and angles share a plan.
    expect(ruleOf("RotaryEmbedding").dynamicAttrs).toBe(true);
  });
});
