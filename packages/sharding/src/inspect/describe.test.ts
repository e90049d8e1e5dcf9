import { describe, expect, test } from "vitest";
import { Partial, Replicate, Shard } from "../placement.ts";
import { drawLayout } from "./describe.ts";

const mesh = { axisNames: ["dp", "tp"], shape: [2, 2] };

describe("drawLayout", () => {
  test("draws a tensor split along two dims", () => {
    const layout = { shape: [4, 6], dtype: "float32" as const, mesh, placements: [Shard(0), Shard(1)] };
    expect(drawLayout(layout)).toBe(
      [
        "float32[4, 6]: dp Shard(0), tp Shard(1) on { dp: 2, tp: 2 }",
        "",
        "dim 0 \\ 1   0..2   3..5 ",
        "          +------+------+",
        "0..1      | 0    | 1    |",
        "          +------+------+",
        "2..3      | 2    | 3    |",
        "          +------+------+",
        "",
      ].join("\n"),
    );
  });

  test("shows replicas in one cell, uneven and partial parts", () => {
    const layout = { shape: [3, 5], dtype: "float32" as const, mesh, placements: [Partial(), Shard(1)] };
    expect(drawLayout(layout)).toBe(
      [
        'float32[3, 5]: dp Partial("sum"), tp Shard(1) on { dp: 2, tp: 2 }',
        "",
        "dim 1   0..2   3..4 ",
        "      +------+------+",
        "      | 0 2  | 1 3  |",
        "      +------+------+",
        "along dp: ranks hold parts of a sum",
        "",
      ].join("\n"),
    );
  });

  test("shows a replicated tensor as one block", () => {
    const layout = { shape: [2], dtype: "int32" as const, mesh, placements: [Replicate(), Replicate()] };
    expect(drawLayout(layout)).toContain("| 0 1 2 3");
  });
});
