import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { call, checkCalls, input, listed, seeds, size } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

test("SpaceToBatchND and BatchToSpaceND equal dense", () => {
  checkCalls(
    fc.tuple(size, size, size, seeds).map(([n, c, d, seed]) =>
      call("SpaceToBatchND", [input("x", [n, 3, 2, c, d], seed)], {
        blockShape: [2, 1],
        paddings: [
          [1, 2],
          [0, 1],
        ],
      }),
    ),
  );
  checkCalls(
    fc.tuple(size, size, seeds).map(([n, c, seed]) =>
      call("BatchToSpaceND", [input("x", [n * 4, 2, 3, c], seed)], {
        blockShape: [2, 2],
        crops: [
          [1, 0],
          [0, 2],
        ],
      }),
    ),
  );
});

test("zeros of the padding fit sums alone", () => {
  const x = input("x", [2, 4, 3], 1);
  const attrs = { blockShape: [2], paddings: [[0, 0]] };
  expect(listed(call("SpaceToBatchND", [x], attrs))).toEqual([
    "Shard(2) -> Shard(2)",
    'Partial("sum") -> Partial("sum")',
  ]);
  expect(listed(call("BatchToSpaceND", [x], { blockShape: [2], crops: [[0, 0]] }))).toEqual([
    "Shard(2) -> Shard(2)",
    'Partial("sum") -> Partial("sum")',
    'Partial("max") -> Partial("max")',
    'Partial("min") -> Partial("min")',
  ]);
});

test("DepthToSpace equals dense, and cuts rows and columns between blocks", () => {
  const attrs = { blockSize: 2, dataFormat: "NHWC" };
  checkCalls(
    fc
      .tuple(size, size, size, fc.constantFrom(4, 8), seeds)
      .map(([n, h, w, c, seed]) => call("DepthToSpace", [input("x", [n, h, w, c], seed)], attrs)),
  );
  expect(listed(call("DepthToSpace", [input("x", [5, 4, 3, 4], 1)], attrs)).slice(0, 2)).toEqual([
    "Shard(0) -> Shard(0)",
    "Shard(1) -> Shard(1)",
  ]);
  expect(listed(call("DepthToSpace", [input("x", [5, 4, 3, 4], 1)], attrs))).not.toContain(
    "Shard(2) -> Shard(2)",
  );
  expect(
    listed(call("DepthToSpace", [input("x", [5, 4, 4, 3], 1)], { ...attrs, dataFormat: "NCHW" })),
  ).toEqual([]);
});
