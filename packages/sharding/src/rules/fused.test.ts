import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { registerFusedModels } from "./test/fused-models.ts";
import { call, checkCalls, input, keyOf, listed, ruleOf, seeds, shapes } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
  registerFusedModels();
});

/** A tensor and a gradient of its shape. */
const rows = fc.tuple(shapes(1, 3), seeds).map(([shape, seed]) => ({
  x: input("x", shape, seed),
  dy: input("dy", shape, seed),
}));

describe("Rules of fused kernels", () => {
  test("Gelu and its gradient equal dense", () => {
    checkCalls(rows.map(({ x }) => call("Gelu", [x], { approximate: "tanh" })));
    checkCalls(rows.map(({ dy, x }) => call("GeluGrad", [dy, x], { approximate: "tanh" })));
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
