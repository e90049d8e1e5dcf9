import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { Partial, Replicate, Shard } from "../placement.ts";
import type { ParallelPlan } from "./plan.ts";
import { resolvePlan, type PlanSubject } from "./resolve-plan.ts";

const SUBJECT: PlanSubject = {
  where: "parallelize",
  mesh: { axisNames: ["dp", "tp"], shape: [2, 3] },
  parameters: [
    { name: "embedding.weight", shape: [11, 4] },
    { name: "blocks.0.up.weight", shape: [4, 7] },
    { name: "blocks.0.up.bias", shape: [7] },
    { name: "blocks.1.up.weight", shape: [4, 7] },
    { name: "blocks.1.up.bias", shape: [7] },
  ],
  modules: new Map<string, object>([
    ["embedding", {}],
    ["blocks.0", { heads: 3, kind: "mlp" }],
    ["blocks.0.up", {}],
    ["blocks.1", { heads: 4 }],
    ["blocks.1.up", {}],
  ]),
};

const resolve = (plan: ParallelPlan) => resolvePlan(plan, SUBJECT);

function refusal(plan: ParallelPlan): string[] {
  try {
    resolve(plan);
  } catch (error) {
    expect(error).toBeInstanceOf(ContractError);
    return (error as ContractError).message.split("\n");
  }
  throw new Error("the plan was accepted");
}

describe("resolvePlan", () => {
  test("the most specific pattern decides; a single placement is for all axes", () => {
    const { parameters } = resolve({
      "**": Replicate(),
      "blocks.*.up.weight": { tp: Shard(-1) },
      "blocks.1.up.weight": { dp: Shard(0), tp: Shard(0) },
      "embedding.*": Shard(0),
    });
    expect(parameters.map(({ name, placements, pattern }) => [name, placements, pattern])).toEqual([
      ["embedding.weight", [Shard(0), Shard(0)], "embedding.*"],
      ["blocks.0.up.weight", [Replicate(), Shard(1)], "blocks.*.up.weight"],
      ["blocks.0.up.bias", [Replicate(), Replicate()], "**"],
      ["blocks.1.up.weight", [Shard(0), Shard(0)], "blocks.1.up.weight"],
      ["blocks.1.up.bias", [Replicate(), Replicate()], "**"],
    ]);
  });

  test("counts the bytes of each rank: 7 columns are 3, 3, 1 over tp, and again over dp where both cut", () => {
    const { parameters } = resolve({
      "**": { tp: Shard(-1) },
      "blocks.0.up.bias": { dp: Shard(0), tp: Shard(0) },
    });
    expect(parameters[1]!.bytesPerRank).toEqual([48, 48, 16, 48, 48, 16]);
    // ceil(7 / 2) = 4, cut in 2, 2, 0; the other 3 in 1, 1, 1.
    expect(parameters[2]!.bytesPerRank).toEqual([8, 8, 0, 4, 4, 4]);
  });

  test("activations come from the most specific module entry, checks from all", () => {
    const plan: ParallelPlan = {
      "**": Replicate(),
      "blocks.*": { input: { tp: Replicate() }, output: { tp: Shard(1) } },
      "blocks.0": { divisible: { heads: "tp" } },
      "blocks.1": { output: { dp: Shard(0) } },
    };
    expect(resolve(plan).modules).toEqual([
      { path: "blocks.0", input: { tp: Replicate() }, output: { tp: Shard(1) } },
      { path: "blocks.1", output: { dp: Shard(0) } },
    ]);
  });

  test("reports everything that is wrong at once", () => {
    expect(
      refusal({
        "embeding.weight": { tp: Shard(0) },
        "blocks.*.up.bias": { tp: Shard(1) },
        "blocks.*.*.bias": {},
        "blocks.0.*.*": { pp: Shard(0) },
        "blocks..up": {},
        "blocks.*": { divisible: { heads: "dp", width: "tp" }, input: { pt: Shard(0) } },
        "blocks.*.down": { output: {} },
      }),
    ).toEqual([
      "parallelize: plan (9 problems) must place every parameter once, on axes and dims that exist:",
      '- pattern ("blocks..up") must have a name between its dots; use names, *, ** and {a,b} between dots, for example "blocks.*.mlp.{up,down}.weight".',
      '- pattern "blocks.0.*.*": axis ("pp") must be an axis of the mesh ({ dp: 2, tp: 3 }); use "dp" or "tp".',
      '- pattern "blocks.*": axis ("pt") must be an axis of the mesh ({ dp: 2, tp: 3 }); use "dp" or "tp".',
      '- pattern "embeding.weight" must match a parameter (it matches none); use "embedding", "blocks" in place of "embeding".',
      '- pattern "blocks.*.down" must match a module (it matches none); after "blocks.*" use "up" in place of "down".',
      '- parameters "embedding.weight", "blocks.1.up.weight" must be named by a pattern (no pattern matches); use an entry, or "**": Replicate() for all that no other pattern names.',
      '- pattern "blocks.*.up.bias": tp (Shard(1)) must name a dim of blocks.0.up.bias (shape [7]), blocks.1.up.bias (shape [7]); use a dim from -1 to 0.',
      '- heads (3) of "blocks.0" must be a multiple of the ranks on axis "dp" (2); use for example heads: 4, or fewer ranks on the axis.',
      '- modules "blocks.0", "blocks.1" must have a size "width" (undefined); use a field that holds a number.',
    ]);
  });

  test("two patterns that are equally specific are refused, once for all that they both name", () => {
    const tied = { "blocks.*.up.*": {}, "*.0.up.*": {}, "*.1.{up,down}.*": {} };
    expect(refusal({ "**": Replicate(), ...tied })).toEqual([
      "parallelize: plan (2 problems) must place every parameter once, on axes and dims that exist:",
      '- parameters "blocks.0.up.weight", "blocks.0.up.bias" must be decided by one pattern ("blocks.*.up.*" and "*.0.up.*" are equally specific); use a pattern that spells out more.',
      '- parameters "blocks.1.up.weight", "blocks.1.up.bias" must be decided by one pattern ("blocks.*.up.*" and "*.1.{up,down}.*" are equally specific); use a pattern that spells out more.',
    ]);
    const input = { dp: Shard(0) };
    expect(refusal({ "**": Replicate(), "blocks.*": { input }, "*.0": { input } })).toEqual([
      "parallelize: plan (1 problem) must place every parameter once, on axes and dims that exist:",
      '- module "blocks.0" must be decided by one pattern ("blocks.*" and "*.0" are equally specific); use a pattern that spells out more.',
    ]);
  });

  test("a parameter cannot be a partial sum", () => {
    expect(refusal({ "**": { tp: Partial() } })[1]).toBe(
      '- pattern "**": tp (Partial("sum")) must hold values, not summands of them; use Shard(dim) or Replicate().',
    );
  });

  test("a pattern that ends early, or begins anywhere, is answered with what there is", () => {
    expect(refusal({ "**": Replicate(), blocks: {}, "**.wieght": {} }).slice(1)).toEqual([
      '- pattern "blocks" must match a parameter (it matches none); after "blocks" use "0", "1".',
      '- pattern "**.wieght" must match a parameter (it matches none); use a name such as "embedding.weight", "blocks.0.up.weight", "blocks.0.up.bias", "blocks.1.up.weight", "blocks.1.up.bias".',
    ]);
  });
});
