import { describe, expect, test } from "vitest";
import type { DeviceMesh } from "../mesh.ts";
import { Replicate, Shard, type Placement } from "../placement.ts";
import { builtinRules, createRuleTable } from "../rules/registry.ts";
import { planKernel, type KernelPlan } from "./kernel-plan.ts";
import { LayoutTable } from "./layout-table.ts";

const outside = (): never => {
  throw new Error("a plan needs no communication");
};
/** Rank (0, 1) of `{ dp: 1, tp: 2 }`; planning takes nothing but geometry. */
const mesh = {
  ...{ axes: { dp: 1, tp: 2 }, axisNames: ["dp", "tp"], shape: [1, 2], coordinate: [0, 1] },
  ...{ sizeOf: outside, group: outside, productGroup: outside, world: undefined as never, hosts: [] },
} satisfies DeviceMesh;
const rules = createRuleTable(builtinRules());

function planned(kernel: string, placements: readonly Placement[], attrs = {}): KernelPlan {
  const layouts = new LayoutTable();
  const layout = layouts.on(mesh, [4, 6], "float32", placements);
  const name = kernel === "Softmax" ? "logits" : "x";
  return planKernel(kernel, rules.lookup(kernel), [{ name, layout }], attrs, layouts);
}

describe("planKernel", () => {
  test("moves nothing along an axis of one rank, however the rule wants it there", () => {
    const plan = planned("Relu", [Shard(0), Shard(1)]);
    expect(plan.inputs[0]!.placements).toEqual([Replicate(), Shard(1)]);
    expect(plan.moves).toEqual([undefined]);
    expect(plan.hasMoves).toBe(false);
    expect(plan.outputs![0]!.localShape).toEqual([4, 3]);
  });

  test("moves along an axis of two ranks", () => {
    const plan = planned("Softmax", [Shard(0), Shard(1)], { dim: 1 });
    expect(plan.hasMoves).toBe(true);
    // An all-to-all to the dim that softmax leaves alone is cheaper than gathering.
    expect(plan.moves[0]!.placements).toEqual([Replicate(), Shard(0)]);
  });

  test("knows the outputs of a kernel with a rule to recur, and of one without not", () => {
    expect(planned("Relu", [Replicate(), Replicate()]).outputsRecur).toBe(true);
    const unknown = planned("NoRuleForThis", [Replicate(), Shard(1)]);
    expect(unknown.outputsRecur).toBe(false);
    expect(unknown.moves[0]!.placements).toEqual([Replicate(), Replicate()]);
  });
});
