import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { chunksOf, contextParallelOrder } from "./chunk-order.ts";

describe("contextParallelOrder", () => {
  test("gives each rank an early chunk and the late one opposite, as in the picture", () => {
    // chunk      0   1   2   3   4   5
    // zigzag     r0  r1  r2  r2  r1  r0
    expect([...contextParallelOrder(12, 3)]).toEqual([0, 1, 10, 11, 2, 3, 8, 9, 4, 5, 6, 7]);
    expect([0, 1, 2].map((rank) => chunksOf("zigzag", rank, 3))).toEqual([
      [0, 5],
      [1, 4],
      [2, 3],
    ]);
  });

  test("leaves tokens in their order if asked to, and on one rank", () => {
    const inOrder = Array.from({ length: 12 }, (_, i) => i);
    expect([...contextParallelOrder(12, 3, { order: "contiguous" })]).toEqual(inOrder);
    expect([...contextParallelOrder(12, 1)]).toEqual(inOrder);
  });

  test.each([
    [10, 2, 12],
    [0, 3, 6],
    [7.5, 1, 8],
  ])("refuses %d positions on %i ranks", (length, ranks, fix) => {
    expect(() => contextParallelOrder(length, ranks)).toThrow(
      new ContractError(
        `contextParallelOrder: the sequence length (${length}) must be a multiple of twice the ranks of the axis (${2 * ranks}), so that all have the same work; use for example ${fix}, padded with labels that are ignored.`,
      ),
    );
  });
});
