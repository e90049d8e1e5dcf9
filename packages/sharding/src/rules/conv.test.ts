import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { KernelAttrs } from "./rule.ts";
import {
  call,
  checkCalls,
  input,
  keyOf,
  listed,
  seeds,
  size,
  type DenseInput,
} from "./test/arbitrary-call.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

type Format = "NHWC" | "NCHW";

function image(
  name: string,
  format: Format,
  [n, h, w, c]: readonly [number, number, number, number],
  seed: number,
): DenseInput {
  return input(name, format === "NHWC" ? [n, h, w, c] : [n, c, h, w], seed);
}

const formats = fc.constantFrom<Format>("NHWC", "NCHW");
const pads = fc.constantFrom<KernelAttrs["pad"]>("valid", "same", 1, [
  [0, 0],
  [1, 0],
  [0, 1],
  [0, 0],
]);
/** Batch, input channels, output channels. */
const counts = fc.tuple(size, size, size);

function attrsOf(dataFormat: Format, pad: unknown, strides: number): KernelAttrs {
  return { dataFormat, pad, strides, dilations: 1 };
}

describe("Conv2D", () => {
  test("equals dense under every strategy, in both data formats", () => {
    checkCalls(
      fc
        .tuple(counts, formats, pads, fc.constantFrom(1, 2), seeds)
        .map(([[n, c, o], format, pad, strides, seed]) =>
          call(
            "Conv2D",
            [image("x", format, [n, 4, 3, c], seed), input("filter", [3, 2, c, o], seed)],
            attrsOf(format, pad, strides),
          ),
        ),
      30,
    );
  });

  test("with dilations equals dense", () => {
    checkCalls(
      fc.tuple(counts, seeds).map(([[n, c, o], seed]) =>
        call("Conv2D", [input("x", [n, 5, 4, c], seed), input("filter", [2, 2, c, o], seed)], {
          ...attrsOf("NHWC", "valid", 1),
          dilations: [2, 3],
        }),
      ),
      10,
    );
  });

  test("its gradient for the input equals dense", () => {
    checkCalls(
      fc
        .tuple(
          counts,
          formats,
          fc.constantFrom<["valid" | "same", number, number]>(["valid", 2, 2], ["same", 4, 3]),
          seeds,
        )
        .map(([[n, c, o], format, [pad, h, w], seed]) =>
          call(
            "Conv2DBackpropInput",
            [image("dy", format, [n, h, w, o], seed), input("filter", [3, 2, c, o], seed)],
            { ...attrsOf(format, pad, 1), inputShape: image("x", format, [n, 4, 3, c], 1).shape },
          ),
        ),
      30,
    );
  });

  test("its gradient for the filter equals dense", () => {
    checkCalls(
      fc
        .tuple(
          counts,
          formats,
          fc.constantFrom<["valid" | "same", number, number]>(["valid", 2, 2], ["same", 4, 3]),
          seeds,
        )
        .map(([[n, c, o], format, [pad, h, w], seed]) =>
          call(
            "Conv2DBackpropFilter",
            [image("x", format, [n, 4, 3, c], seed), image("dy", format, [n, h, w, o], seed)],
            { ...attrsOf(format, pad, 1), filterShape: [3, 2, c, o] },
          ),
        ),
      30,
    );
  });
});

describe("Conv3D", () => {
  const attrs = { strides: [1, 1, 1], pad: "valid", dataFormat: "NDHWC", dilations: [1, 1, 1] };

  test("and its gradients equal dense", () => {
    const calls = fc.tuple(counts, fc.constantFrom(0, 1, 2), seeds).map(([[n, c, o], which, seed]) => {
      const x = input("x", [n, 3, 2, 2, c], seed);
      const filter = input("filter", [2, 1, 2, c, o], seed);
      const dy = input("dy", [n, 2, 2, 1, o], seed);
      if (which === 0) return call("Conv3D", [x, filter], attrs);
      return which === 1
        ? call("Conv3DBackpropInputV2", [dy, filter], { ...attrs, inputShape: x.shape })
        : call("Conv3DBackpropFilterV2", [x, dy], { ...attrs, filterShape: filter.shape });
    });
    checkCalls(calls, 30);
  });
});

describe("FusedConv2D", () => {
  const attrs = (format: Format, activation: string): KernelAttrs => ({
    ...attrsOf(format, "valid", 1),
    activation,
    leakyreluAlpha: 0.25,
  });

  test("with bias and activation equals dense, in both data formats", () => {
    checkCalls(
      fc
        .tuple(counts, formats, fc.constantFrom("linear", "relu", "leakyrelu"), fc.boolean(), seeds)
        .map(([[n, c, o], format, activation, scalarBias, seed]) =>
          call(
            "FusedConv2D",
            [
              image("x", format, [n, 3, 3, c], seed),
              input("filter", [2, 2, c, o], seed),
              input("bias", scalarBias ? [] : [o], seed),
            ],
            attrs(format, activation),
          ),
        ),
      40,
    );
  });

  test("with learnt slopes equals dense, of one dim and of three", () => {
    checkCalls(
      fc.tuple(counts, formats, fc.boolean(), seeds).map(([[n, c, o], format, perChannel, seed]) => {
        const slopes = perChannel ? [o] : format === "NHWC" ? [2, 2, o] : [o, 2, 2];
        return call(
          "FusedConv2D",
          [
            image("x", format, [n, 3, 3, c], seed),
            input("filter", [2, 2, c, o], seed),
            input("bias", [o], seed),
            input("preluActivationWeights", slopes, seed),
          ],
          attrs(format, "prelu"),
        );
      }),
      30,
    );
  });

  test("sums over the channels only where nothing follows", () => {
    const [x, filter, bias] = [
      input("x", [2, 3, 3, 4], 1),
      input("filter", [2, 2, 4, 5], 1),
      input("bias", [5], 1),
    ];
    const contraction = 'Shard(3), Shard(2) -> Partial("sum")';
    expect(listed(call("FusedConv2D", [x, filter], attrs("NHWC", "linear")))).toContain(contraction);
    expect(listed(call("FusedConv2D", [x, filter], attrs("NHWC", "relu")))).toEqual([
      "Shard(0), Replicate() -> Shard(0)",
      "Replicate(), Shard(3) -> Shard(3)",
    ]);
    expect(listed(call("FusedConv2D", [x, filter, bias], attrs("NHWC", "linear")))).toEqual([
      "Shard(0), Replicate(), Replicate() -> Shard(0)",
      "Replicate(), Shard(3), Shard(0) -> Shard(3)",
    ]);
  });
});

test("Conv2D lists batch, output channels, contraction and the linear ones", () => {
  const inputs = [input("x", [2, 5, 6, 3], 1), input("filter", [3, 2, 3, 4], 1)];
  const attrs = attrsOf("NHWC", "valid", 1);
  expect(listed(call("Conv2D", inputs, attrs))).toEqual([
    "Shard(0), Replicate() -> Shard(0)",
    "Replicate(), Shard(3) -> Shard(3)",
    'Shard(3), Shard(2) -> Partial("sum")',
    'Partial("sum"), Replicate() -> Partial("sum")',
    'Replicate(), Partial("sum") -> Partial("sum")',
  ]);
  const dy = input("dy", [2, 3, 5, 4], 1);
  expect(
    listed(call("Conv2DBackpropFilter", [inputs[0]!, dy], { ...attrs, filterShape: [3, 2, 3, 4] })),
  ).toEqual([
    'Shard(0), Shard(0) -> Partial("sum")',
    "Shard(3), Replicate() -> Shard(2)",
    "Replicate(), Shard(3) -> Shard(3)",
  ]);
});

test("the cache key tells apart what decides a shape", () => {
  const attrs = attrsOf("NHWC", "valid", 1);
  const keys = [
    attrs,
    { ...attrs, strides: [1, 2] },
    { ...attrs, pad: "same" },
    {
      ...attrs,
      pad: [
        [0, 0],
        [1, 0],
        [0, 1],
        [0, 0],
      ],
    },
    { ...attrs, dataFormat: "NCHW" },
    { ...attrs, dilations: [1, 2] },
    { ...attrs, dimRoundingMode: "ceil" },
    { ...attrs, activation: "relu" },
    { ...attrs, inputShape: [1, 2, 3, 4] },
    { ...attrs, filterShape: [1, 2, 3, 4] },
  ].map((variant) => keyOf("FusedConv2D", variant));
  expect(new Set(keys).size).toBe(keys.length);
});
