import { startEngine } from "@meshwright/core";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { call, checkCalls, input, ruleOf, seeds, shapes } from "./test/arbitrary-call.ts";

beforeAll(() => startEngine({ prefer: "cpu" }));

test("RandomScale draws on a shard what the whole would hold", () => {
  checkCalls(
    fc.tuple(shapes(1, 3), seeds, fc.constantFrom("uniform", "normal")).map(([shape, seed, distribution]) =>
      call("RandomScale", [input("x", shape, seed)], {
        ...{ distribution, center: 1, spread: 0.5, seed, name: "scale" },
        ...{ globalShape: shape, offset: shape.map(() => 0) },
      }),
    ),
    80,
  );
  expect(ruleOf("RandomScale").dynamicAttrs).toBe(true);
});
