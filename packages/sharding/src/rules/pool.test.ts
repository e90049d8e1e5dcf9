import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { call, checkCalls, input, listed, seeds, size } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

const windows = fc.constantFrom(
  { filterSize: 2, strides: 2, pad: "valid", out: [2, 1] },
  { filterSize: [3, 2], strides: [1, 2], pad: "same", out: [5, 2] },
);

describe("Pooling", () => {
  test.each(["MaxPool", "AvgPool"])("%s and its gradient equal dense under every strategy", (kernel) => {
    checkCalls(
      fc.tuple(size, size, windows, fc.boolean(), seeds).map(([n, c, { out, ...attrs }, isForward, seed]) => {
        const x = input("x", [n, 5, 3, c], seed);
        if (isForward) return call(kernel, [x], attrs);
        const dy = input("dy", [n, ...out, c], seed);
        const output = { ...dy, name: "output" };
        const rest = kernel === "MaxPool" ? [output] : [];
        return call(`${kernel}Grad`, [dy, { ...x, name: "input" }, ...rest], attrs);
      }),
      60,
    );
  });

  test.each(["MaxPool3D", "AvgPool3D"])("%s and its gradient equal dense under every strategy", (kernel) => {
    const attrs = { filterSize: [2, 1, 2], strides: [1, 1, 2], pad: "valid", dataFormat: "NDHWC" };
    checkCalls(
      fc.tuple(size, size, fc.boolean(), seeds).map(([n, c, isForward, seed]) => {
        const x = input("x", [n, 3, 2, 4, c], seed);
        if (isForward) return call(kernel, [x], attrs);
        const dy = input("dy", [n, 2, 2, 2, c], seed);
        const rest = kernel === "MaxPool3D" ? [{ ...dy, name: "output" }] : [];
        return call(`${kernel}Grad`, [dy, { ...x, name: "input" }, ...rest], attrs);
      }),
      40,
    );
  });

  test("MaxPoolWithArgmax equals dense, and splits no batch that its positions count", () => {
    const dense = (
      n: number,
      c: number,
      includeBatchInIndex: boolean,
      seed: number,
    ): ReturnType<typeof call> =>
      call("MaxPoolWithArgmax", [input("x", [n, 4, 4, c], seed)], {
        ...{ filterSize: 2, strides: 2, pad: "valid", includeBatchInIndex },
      });
    checkCalls(
      fc.tuple(size, size, fc.boolean(), seeds).map(([n, c, counted, seed]) => dense(n, c, counted, seed)),
      30,
    );
    expect(listed(dense(4, 3, false, 1))).toEqual(["Shard(0) -> Shard(0), Shard(0)"]);
    expect(listed(dense(4, 3, true, 1))).toEqual([]);
  });

  test("an average passes partial sums, a maximum takes no partial value", () => {
    const attrs = { filterSize: 2, strides: 2, pad: "valid" };
    const x = input("x", [2, 4, 6, 3], 1);
    expect(listed(call("AvgPool", [x], attrs))).toEqual([
      "Shard(0) -> Shard(0)",
      "Shard(3) -> Shard(3)",
      'Partial("sum") -> Partial("sum")',
    ]);
    expect(listed(call("MaxPool", [x], attrs))).toEqual(["Shard(0) -> Shard(0)", "Shard(3) -> Shard(3)"]);
  });
});
