import { describe, expect, test } from "vitest";
import { rankCount, readMesh } from "./mesh-option.ts";

const axes = ["pp", "dp", "tp"] as const;

describe("readMesh", () => {
  test("fills the axes that are left out with 1 and keeps the order of the example", () => {
    const { mesh, problems } = readMesh("tp=4, dp=3", axes);
    expect(problems).toEqual([]);
    expect(Object.entries(mesh)).toEqual([
      ["pp", 1],
      ["dp", 3],
      ["tp", 4],
    ]);
    expect(rankCount(mesh)).toBe(12);
  });

  test.each([
    ["", 'pair ("") must be axis=size; use for example --mesh pp=1,dp=1,tp=2.'],
    ["tp", 'pair ("tp") must be axis=size; use for example --mesh pp=1,dp=1,tp=2.'],
    ["tp=", 'pair ("tp=") must be axis=size; use for example --mesh pp=1,dp=1,tp=2.'],
    ["=2", 'pair ("=2") must be axis=size; use for example --mesh pp=1,dp=1,tp=2.'],
    ["tp=2,", 'pair ("") must be axis=size; use for example --mesh pp=1,dp=1,tp=2.'],
    [
      "ep=2",
      'axis ("ep") must be one of this example\'s axes (pp, dp, tp); use for example --mesh pp=1,dp=1,tp=2.',
    ],
    ["tp=0", 'size of axis "tp" (0) must be a positive integer; use for example tp=2.'],
    ["tp=-2", 'size of axis "tp" (-2) must be a positive integer; use for example tp=2.'],
    ["tp=1.5", 'size of axis "tp" (1.5) must be a positive integer; use for example tp=2.'],
    ["dp=two", 'size of axis "dp" (two) must be a positive integer; use for example dp=2.'],
    ["dp=2=3", 'size of axis "dp" (2=3) must be a positive integer; use for example dp=2.'],
    ["dp=2,dp=3", 'axis ("dp") must be given once, but "dp=3" repeats it; use one size per axis.'],
  ])("%j has one problem", (text, problem) => {
    expect(readMesh(text, axes).problems).toEqual([problem]);
  });

  test("all problems are reported at once", () => {
    expect(readMesh("ep=2,tp=x,dp=2", axes).problems).toHaveLength(2);
  });
});
