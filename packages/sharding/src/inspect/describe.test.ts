import { describe, expect, test } from "vitest";
import { Partial, Replicate, Shard } from "../placement.ts";
import { describeMesh } from "./describe-mesh.ts";
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

  test("shows a dim that two axes cut, outer before inner, and ranks that hold nothing", () => {
    const layout = { shape: [5], dtype: "float32" as const, mesh, placements: [Shard(0), Shard(0)] };
    // ceil(5 / 2) = 3, cut in 2 and 1; the other 2 in 1 and 1.
    expect(drawLayout(layout).split("\n").slice(2, 5)).toEqual([
      "dim 0   0..1   2..2   3..3   4..4 ",
      "      +------+------+------+------+",
      "      | 0    | 1    | 2    | 3    |",
    ]);
    expect(
      drawLayout({ ...layout, shape: [3] })
        .split("\n")
        .slice(2, 5),
    ).toEqual([
      "dim 0   0..0   1..1   2..2   (empty) ",
      "      +------+------+------+---------+",
      "      | 0    | 1    | 2    | 3       |",
    ]);
  });

  test("shows a tensor cut along three dims as a drawing per part of the first", () => {
    const cube = { axisNames: ["a", "b", "c"], shape: [2, 2, 2] };
    const layout = {
      shape: [3, 4, 6],
      dtype: "int32" as const,
      mesh: cube,
      placements: [Shard(2), Shard(0), Shard(1)],
    };
    expect(drawLayout(layout)).toBe(
      [
        "int32[3, 4, 6]: a Shard(2), b Shard(0), c Shard(1) on { a: 2, b: 2, c: 2 }",
        "",
        "dim 0: 0..1",
        "dim 1 \\ 2   0..2   3..5 ",
        "          +------+------+",
        "0..1      | 0    | 4    |",
        "          +------+------+",
        "2..3      | 1    | 5    |",
        "          +------+------+",
        "",
        "dim 0: 2..2",
        "dim 1 \\ 2   0..2   3..5 ",
        "          +------+------+",
        "0..1      | 2    | 6    |",
        "          +------+------+",
        "2..3      | 3    | 7    |",
        "          +------+------+",
        "",
      ].join("\n"),
    );
  });
});

describe("describeMesh", () => {
  test("says which axes cross hosts", () => {
    expect(
      describeMesh({ axisNames: ["dp", "tp"], shape: [3, 2], hosts: ["a", "a", "a", "a", "b", "b"] }),
    ).toBe("{ dp: 3, tp: 2 } on 2 hosts (a 4 ranks, b 2 ranks): dp crosses hosts, tp stays inside");
  });

  test("names the only host", () => {
    expect(describeMesh({ ...mesh, hosts: ["a", "a", "a", "a"] })).toBe("{ dp: 2, tp: 2 } on a");
  });
});
