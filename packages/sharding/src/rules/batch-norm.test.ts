import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { call, checkCalls, input, listed, seeds, size, type DenseInput } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

function positive(spec: DenseInput): DenseInput {
  return { ...spec, values: Array.from(spec.values, (value) => 0.5 + value * value) };
}

test("FusedBatchNorm equals dense, with statistics per channel and per element, with and without scale", () => {
  checkCalls(
    fc
      .tuple(fc.tuple(size, size, size, size), fc.boolean(), fc.boolean(), seeds)
      .map(([shape, perChannel, scaled, seed]) => {
        const stats = perChannel ? shape.slice(-1) : shape;
        return call(
          "FusedBatchNorm",
          [
            input("x", shape, seed),
            ...(scaled ? [input("scale", stats, seed), input("offset", stats, seed)] : []),
            input("mean", stats, seed),
            positive(input("variance", stats, seed)),
          ],
          { varianceEpsilon: 0.01 },
        );
      }),
  );
});

test("FusedBatchNorm splits statistics of one dim with the channels", () => {
  const stats = ["scale", "offset", "mean", "variance"].map((name) => input(name, [5], 1));
  expect(listed(call("FusedBatchNorm", [input("x", [2, 3, 4, 5], 1), ...stats]))).toEqual([
    "Shard(0), Replicate(), Replicate(), Replicate(), Replicate() -> Shard(0)",
    "Shard(1), Replicate(), Replicate(), Replicate(), Replicate() -> Shard(1)",
    "Shard(2), Replicate(), Replicate(), Replicate(), Replicate() -> Shard(2)",
    "Shard(3), Shard(0), Shard(0), Shard(0), Shard(0) -> Shard(3)",
  ]);
});

test("LRN and its gradient equal dense, and keep the channels whole", () => {
  const attrs = { depthRadius: 1, bias: 1, alpha: 0.5, beta: 0.75 };
  checkCalls(
    fc.tuple(fc.tuple(size, size, size, size), fc.boolean(), seeds).map(([shape, isForward, seed]) => {
      const x = input("x", shape, seed);
      if (isForward) return call("LRN", [x], attrs);
      return call("LRNGrad", [x, input("y", shape, seed), input("dy", shape, seed)], attrs);
    }),
  );
  expect(listed(call("LRN", [input("x", [2, 3, 4, 5], 1)], attrs))).not.toContain("Shard(3) -> Shard(3)");
});
