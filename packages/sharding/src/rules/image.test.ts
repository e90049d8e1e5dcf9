import { startEngine } from "@meshwright/core";
import type { DataType } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { Shard } from "../placement.ts";
import { seededRandom } from "./dense-value.ts";
import { simulateRanks } from "./simulate-ranks.ts";
import { call, checkCalls, input, listed, ruleOf, seeds, size } from "./test/arbitrary-call.ts";

beforeAll(async () => {
  // Stock, some of these kernels are wrong for batches and for images that are not square.
  expect((await startEngine({ prefer: "cpu" })).name).toBe("cpu");
});

const images = fc.tuple(size, size, seeds);
const RESIZE = { size: [5, 4], alignCorners: false, halfPixelCenters: false };

describe("Image rules", () => {
  test.each(["ResizeBilinear", "ResizeNearestNeighbor"])("%s and its gradient equal dense", (kernel) => {
    checkCalls(
      fc.tuple(images, fc.boolean(), fc.boolean()).map(([[n, c, seed], alignCorners, isForward]) => {
        const x = input("images", [n, 3, 2, c], seed);
        const attrs = { ...RESIZE, alignCorners };
        if (isForward) return call(kernel, [x], attrs);
        const dy = input("dy", [n, 5, 4, c], seed);
        // tfjs passes them in either order.
        return call(`${kernel}Grad`, kernel === "ResizeBilinear" ? [dy, x] : [x, dy], attrs);
      }),
    );
  });

  test("FlipLeftRight, RotateWithOffset, Transform and CropAndResize equal dense", () => {
    const calls = fc
      .tuple(images, fc.constantFrom(0, 1, 2, 3, 4), size)
      .map(([[n, c, seed], which, boxes]) => {
        const image = input("image", [n, 3, 4, c], seed);
        if (which === 0) return call("FlipLeftRight", [image]);
        if (which === 1) {
          const fillValue = c === 3 ? [1, 2, 3] : 0.5;
          return call("RotateWithOffset", [image], { radians: 0.7, fillValue, center: 0.5 });
        }
        if (which === 2 || which === 3) {
          const transforms = input("transforms", [which === 2 ? 1 : n, 8], seed);
          return call("Transform", [image, transforms], {
            ...{ interpolation: "bilinear", fillMode: "reflect", fillValue: 0 },
            ...(seed % 2 === 0 ? { outputShape: [2, 5] } : {}),
          });
        }
        const random = seededRandom(seed);
        const corners = Array.from({ length: 4 * boxes }, () => random());
        const owners = Array.from({ length: boxes }, () => Math.floor(random() * n));
        return call(
          "CropAndResize",
          [
            image,
            { name: "boxes", shape: [boxes, 4], dtype: "float32", values: corners },
            { name: "boxInd", shape: [boxes], dtype: "int32", values: owners },
          ],
          { cropSize: [2, 3], method: "bilinear", extrapolationValue: 7 },
        );
      });
    checkCalls(calls, 80);
  });

  test("what stays whole does", () => {
    const image = input("image", [2, 3, 4, 5], 1);
    expect(listed(call("RotateWithOffset", [image]))).toEqual(["Shard(0) -> Shard(0)"]);
    expect(listed(call("FlipLeftRight", [image]))).not.toContain("Shard(2) -> Shard(2)");
    expect(listed(call("ResizeBilinear", [image], RESIZE))).toEqual([
      "Shard(0) -> Shard(0)",
      "Shard(3) -> Shard(3)",
      'Partial("sum") -> Partial("sum")',
    ]);
    const each = input("transforms", [2, 8], 1);
    const one = input("transforms", [1, 8], 1);
    expect(listed(call("Transform", [image, each]))[0]).toBe("Shard(0), Shard(0) -> Shard(0)");
    expect(listed(call("Transform", [image, one]))[0]).toBe("Shard(0), Replicate() -> Shard(0)");
  });

  test.each<DataType>(["int32", "float32"])("ResizeNearestNeighbor of %s keeps the type", (dtype) => {
    const mesh = { axisNames: ["tp"], shape: [2] };
    const decision = { inputs: [[Shard(0)]], outputs: [[Shard(0)]] };
    const dense = call("ResizeNearestNeighbor", [input("images", [2, 1, 1, 1], 3, dtype)], {
      ...RESIZE,
      size: [1, 2],
    });
    const [resized] = simulateRanks(ruleOf(dense.kernel), dense, mesh, decision, seededRandom(1));
    const [a, b] = Array.from(dense.inputs[0]!.values);
    expect(resized).toEqual({ shape: [2, 1, 2, 1], dtype, values: [a, a, b, b] });
  });
});
