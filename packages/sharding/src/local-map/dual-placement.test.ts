import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { Partial, Replicate, Shard } from "../placement.ts";
import { dualPlacements, gradientPlacements } from "./dual-placement.ts";

const MESH = { axisNames: ["dp", "tp"], shape: [2, 3] };

describe("dualPlacements", () => {
  test("splits alike, and swaps the whole value with summands of it", () => {
    const placements = [Shard(1), Replicate(), Partial("sum")];
    const duals = [Shard(1), Partial("sum"), Replicate()];
    expect(dualPlacements(placements, [2, 2, 2])).toEqual(duals);
    expect(dualPlacements(duals, [2, 2, 2])).toEqual(placements);
  });

  test("leaves an axis of one rank alone", () => {
    expect(dualPlacements([Replicate(), Partial("sum")], [1, 1])).toEqual([Replicate(), Replicate()]);
  });
});

describe("gradientPlacements", () => {
  test("takes the dual ones where nothing else is said", () => {
    const value = { shape: [4, 6], placements: [Shard(0), Replicate()] };
    expect(gradientPlacements("test", MESH, value)).toEqual([Shard(0), Partial("sum")]);
    expect(gradientPlacements("test", MESH, value, { tp: Replicate() })).toEqual([Shard(0), Replicate()]);
    expect(gradientPlacements("test", MESH, value, { dp: Shard(-2) })).toEqual([Shard(0), Partial("sum")]);
  });

  test("refuses a gradient of another local shape", () => {
    const value = { shape: [4, 6], placements: [Shard(0), Replicate()] };
    expect(() => gradientPlacements("test", MESH, value, { tp: Shard(1) })).toThrow(
      new ContractError(
        'test: tp (Shard(1)) must fit a value that is Replicate(); use Replicate() or Partial("sum"), or leave it out for Partial("sum").',
      ),
    );
  });
});
