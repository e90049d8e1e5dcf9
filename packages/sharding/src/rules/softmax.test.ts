import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { registerFusedModels } from "./test/fused-models.ts";
import { call, checkCalls, input, listed, seeds, shapes } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
  registerFusedModels();
});

describe("Row-wise rules", () => {
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

  test("Cumsum and Cumprod equal dense", () => {
    const attrs = fc.record({ exclusive: fc.boolean(), reverse: fc.boolean() });
    checkCalls(
      fc
        .tuple(fc.constantFrom("Cumsum", "Cumprod"), shapes(1, 3), fc.nat(5), attrs, seeds)
        .map(([kernel, shape, draw, flags, seed]) =>
          call(kernel, [input("x", shape, seed)], { axis: draw % shape.length, ...flags }),
        ),
      80,
    );
  });

  test("TopK equals dense", () => {
    checkCalls(
      fc
        .tuple(shapes(1, 3), fc.nat(9), seeds)
        .map(([shape, draw, seed]) =>
          call("TopK", [input("x", shape, seed)], { k: 1 + (draw % shape.at(-1)!), sorted: true }),
        ),
    );
  });

  test("the dim that makes up a row stays whole, and no partial value passes but through Cumsum", () => {
    const x = input("x", [2, 3, 4], 1);
    expect(listed(call("Softmax", [x], { dim: -1 }))).toEqual([
      "Shard(0) -> Shard(0)",
      "Shard(1) -> Shard(1)",
    ]);
    expect(listed(call("LogSoftmax", [x], { axis: 1 }))).toEqual([
      "Shard(0) -> Shard(0)",
      "Shard(2) -> Shard(2)",
    ]);
    expect(listed(call("CausalSoftmax", [x]))).toEqual(["Shard(0) -> Shard(0)"]);
    expect(listed(call("Cumprod", [x], { axis: 0 }))).toEqual([
      "Shard(1) -> Shard(1)",
      "Shard(2) -> Shard(2)",
    ]);
    expect(listed(call("Cumsum", [x], { axis: 0 }))).toEqual([
      "Shard(1) -> Shard(1)",
      "Shard(2) -> Shard(2)",
      'Partial("sum") -> Partial("sum")',
    ]);
    expect(listed(call("TopK", [x], { k: 2 }))).toEqual([
      "Shard(0) -> Shard(0), Shard(0)",
      "Shard(1) -> Shard(1), Shard(1)",
    ]);
  });
});
