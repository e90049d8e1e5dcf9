import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { call, checkCalls, input, listed, seeds, size } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

const attrs = { strides: [1, 1], pad: "valid", dataFormat: "NHWC", dilations: [1, 1] };
/** Batch, channels, outputs per channel. */
const counts = fc.tuple(size, fc.constantFrom(1, 2, 4, 5, 6), fc.constantFrom(1, 2));

describe("Depthwise convolution", () => {
  test("and its gradients equal dense under every strategy", () => {
    const calls = fc.tuple(counts, fc.constantFrom(0, 1, 2), seeds).map(([[n, c, m], which, seed]) => {
      const x = input("x", [n, 4, 3, c], seed);
      const filter = input("filter", [2, 2, c, m], seed);
      const dy = input("dy", [n, 3, 2, c * m], seed);
      if (which === 0) return call("DepthwiseConv2dNative", [x, filter], attrs);
      return which === 1
        ? call("DepthwiseConv2dNativeBackpropInput", [dy, filter], { ...attrs, inputShape: x.shape })
        : call("DepthwiseConv2dNativeBackpropFilter", [x, dy], { ...attrs, filterShape: filter.shape });
    });
    checkCalls(calls, 60);
  });

  test("fused with bias and activation equals dense", () => {
    checkCalls(
      fc
        .tuple(counts, fc.constantFrom("linear", "relu", "prelu"), seeds)
        .map(([[n, c, m], activation, seed]) =>
          call(
            "FusedDepthwiseConv2D",
            [
              input("x", [n, 3, 3, c], seed),
              input("filter", [2, 2, c, m], seed),
              input("bias", [c * m], seed),
              ...(activation === "prelu" ? [input("preluActivationWeights", [c * m], seed)] : []),
            ],
            { ...attrs, activation },
          ),
        ),
      40,
    );
  });

  test("splits channels with several outputs each only evenly", () => {
    const dense = (c: number, m: number): string[] =>
      listed(
        call("DepthwiseConv2dNative", [input("x", [2, 4, 3, c], 1), input("filter", [2, 2, c, m], 1)], attrs),
      );
    const channels = "Shard(3), Shard(2) -> Shard(3)";
    expect(dense(5, 1)).toContain(channels);
    expect(dense(4, 2)).toContain(channels);
    expect(dense(5, 2)).toEqual([
      "Shard(0), Replicate() -> Shard(0)",
      'Partial("sum"), Replicate() -> Partial("sum")',
      'Replicate(), Partial("sum") -> Partial("sum")',
    ]);
  });
});

test("Dilation2D and its gradients equal dense under every strategy", () => {
  const calls = fc.tuple(size, size, fc.constantFrom(0, 1, 2), seeds).map(([n, c, which, seed]) => {
    const x = input("x", [n, 4, 3, c], seed);
    const filter = input("filter", [2, 2, c], seed);
    const dy = input("dy", [n, 3, 2, c], seed);
    const dilation = { strides: [1, 1], pad: "valid", dilations: [1, 1] };
    if (which === 0) return call("Dilation2D", [x, filter], dilation);
    return call(
      which === 1 ? "Dilation2DBackpropInput" : "Dilation2DBackpropFilter",
      [x, filter, dy],
      dilation,
    );
  });
  checkCalls(calls, 50);
});
