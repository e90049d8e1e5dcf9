import { ContractError } from "@meshwright/core";
import { describe, expect, expectTypeOf, test } from "vitest";
import { layOutMesh, splitAxisWarning } from "./lay-out-mesh.ts";
import { crossingAxes, linesAlong } from "./mesh-hosts.ts";

/** `"aab"`: three ranks, on hosts `a`, `a` and `b`. */
const on = (hosts: string): readonly string[] => Array.from(hosts);
const grid = (axes: Readonly<Record<string, number>>) => ({
  axisNames: Object.keys(axes),
  shape: Object.values(axes),
});

describe("Lines of a mesh", () => {
  test.each([
    [
      "outer",
      0,
      [
        [0, 6],
        [1, 7],
        [2, 8],
        [3, 9],
        [4, 10],
        [5, 11],
      ],
    ],
    [
      "middle",
      1,
      [
        [0, 2, 4],
        [1, 3, 5],
        [6, 8, 10],
        [7, 9, 11],
      ],
    ],
    [
      "inner",
      2,
      [
        [0, 1],
        [2, 3],
        [4, 5],
        [6, 7],
        [8, 9],
        [10, 11],
      ],
    ],
  ])("along the %s axis of 2 x 3 x 2", (_, axis, lines) => {
    expect(linesAlong([2, 3, 2], axis)).toEqual(lines);
  });

  test.each([
    [{ dp: 2, tp: 4 }, "aaaabbbb", ["dp"]],
    [{ tp: 4, dp: 2 }, "aaaabbbb", ["tp"]],
    [{ pp: 2, dp: 2, tp: 2 }, "aaaabbbb", ["pp"]],
    [{ pp: 2, dp: 2, tp: 2 }, "aabbccdd", ["pp", "dp"]],
    // Only the second line of tp, ranks 3 to 5, leaves a host.
    [{ dp: 3, tp: 3 }, "aaaabbbbb", ["dp", "tp"]],
    [{ dp: 2, tp: 2 }, "aaaa", []],
    [{ dp: 2, tp: 1 }, "ab", ["dp"]],
  ])("of %j on %s cross hosts along %j", (axes, hosts, expected) => {
    expect(crossingAxes(grid(axes), on(hosts))).toEqual(expected);
  });
});

describe("layOutMesh", () => {
  test.each([
    [{ tp: 4, dp: 2 }, "aaaabbbb", { dp: 2, tp: 4 }, ["dp"]],
    [{ dp: 2, tp: 4 }, "aaaabbbb", { dp: 2, tp: 4 }, ["dp"]],
    [{ tp: 2, dp: 2, pp: 2 }, "aaaabbbb", { pp: 2, dp: 2, tp: 2 }, ["pp"]],
    [{ tp: 2, ep: 2, x: 1, cp: 2, dp: 1 }, "aaaabbbb", { dp: 1, x: 1, ep: 2, cp: 2, tp: 2 }, ["ep"]],
    // It does not fit into a host of two.
    [{ tp: 4 }, "aabb", { tp: 4 }, ["tp"]],
    [{ dp: 2, tp: 1 }, "aa", { dp: 2, tp: 1 }, []],
  ])("of %j on %s is %j, and %j cross", (axes, hosts, ordered, crossing) => {
    const layout = layOutMesh(axes, on(hosts));
    // The order of the keys is what counts.
    expect(JSON.stringify(layout)).toBe(JSON.stringify({ axes: ordered, crossing }));
  });

  test("keeps the names of the axes in the type", () => {
    expectTypeOf(layOutMesh({ tp: 1 }, ["a"]).axes).toEqualTypeOf<{ readonly tp: 1 }>();
  });

  test("says where hosts and axes do not fit", () => {
    expect(() => layOutMesh({ dp: 2, tp: 3 }, on("aabb"))).toThrow(
      new ContractError(
        "layOutMesh: mesh of 6 ranks (dp 2 x tp 3) must have as many ranks as the world (4); use axis sizes whose product is 4, or start 6 ranks.",
      ),
    );
  });
});

describe("The warning of a tp that crosses hosts", () => {
  test("names the order that keeps it inside", () => {
    expect(splitAxisWarning(grid({ tp: 2, dp: 2 }), on("aabb"))).toBe(
      'meshwright: axis "tp" of mesh { tp: 2, dp: 2 } crosses hosts (ranks 0, 2 are on a, b), so that every layer communicates between them; use { dp: 2, tp: 2 }, as layOutMesh returns it.',
    );
  });

  test("names the size that fits where no order does", () => {
    expect(splitAxisWarning(grid({ tp: 4 }), on("aabb"))).toBe(
      'meshwright: axis "tp" of mesh { tp: 4 } crosses hosts (ranks 0, 1, 2, 3 are on a, b), so that every layer communicates between them; use a size of tp that divides the ranks of every host (2, 2), at most 2.',
    );
  });

  test.each([
    ["it stays inside", { dp: 2, tp: 2 }, "aabb"],
    ["all ranks are on one host", { tp: 2, dp: 2 }, "aaaa"],
    ["each rank has a host of its own", { tp: 2 }, "ab"],
    ["the hosts have no size in common", { tp: 3 }, "aab"],
    ["only another axis crosses", { cp: 2, dp: 2 }, "aabb"],
  ])("is not given where %s", (_, axes, hosts) => {
    expect(splitAxisWarning(grid(axes), on(hosts))).toBeUndefined();
  });
});
