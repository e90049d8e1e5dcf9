import { setBackend } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { call, checkCalls, input, listed, seeds, size } from "./test/arbitrary-call.ts";
import type { DenseCall } from "./simulate-ranks.ts";

beforeAll(async () => {
  expect(await setBackend("cpu")).toBe(true);
});

/** A call with the given size per letter. */
function einsum(equation: string, sizes: Readonly<Record<string, number>>, seed: number): DenseCall {
  const operands = equation.split("->")[0]!.split(",");
  const inputs = operands.map((labels, i) =>
    input(
      String(i),
      Array.from(labels, (label) => sizes[label]!),
      seed + i,
    ),
  );
  return call("Einsum", inputs, { equation });
}

const sizes = fc.record({ b: size, i: size, j: size, k: size });

describe("Einsum rule", () => {
  test.each([
    "bij,bjk->bik",
    "ij,kj->ik",
    "bij,jk->kbi",
    "ij->ji",
    "ij->",
    "i,j->ij",
    "bij,bij->b",
    "bij->j",
  ])("%s equals dense", (equation) => {
    checkCalls(
      fc.tuple(sizes, seeds).map(([drawn, seed]) => einsum(equation, drawn, seed)),
      25,
    );
  });

  test("a label that stays splits the output, one that is summed makes it partial", () => {
    expect(listed(einsum("bij,jk->kbi", { b: 2, i: 3, j: 4, k: 5 }, 1))).toEqual([
      "Replicate(), Shard(1) -> Shard(0)",
      "Shard(0), Replicate() -> Shard(1)",
      "Shard(1), Replicate() -> Shard(2)",
      'Shard(2), Shard(0) -> Partial("sum")',
      'Partial("sum"), Replicate() -> Partial("sum")',
      'Replicate(), Partial("sum") -> Partial("sum")',
    ]);
  });
});
