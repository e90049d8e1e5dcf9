import { ContractError } from "@meshwright/core";
import { describe, expect, test } from "vitest";
import { Partial, Replicate, Shard } from "../placement.ts";
import { decide } from "../rules/plan.ts";
import { builtinRules, createRuleTable } from "../rules/registry.ts";
import { defineRule } from "../rules/define-rule.ts";
import { explainKernel, formatKernel, type KernelExplanation } from "./explain-kernel.ts";

const mesh = { axisNames: ["dp", "tp"], shape: [2, 4] };
const PRODUCT = {
  kernel: "BatchMatMul",
  inputs: {
    a: { shape: [64, 32], placements: { dp: Shard(0), tp: Shard(1) } },
    b: { shape: [32, 48], placements: { tp: Shard(0) } },
  },
};

function chosen({ axes }: KernelExplanation) {
  return axes.map(({ candidates }) => candidates.find(({ isChosen }) => isChosen)!);
}

describe("explainKernel", () => {
  test("prints every strategy with its cost, the one taken, what moves, and where the output is", () => {
    const unevenly = { ...PRODUCT.inputs, b: { shape: [32, 48], placements: { tp: Shard(1) } } };
    expect(formatKernel(explainKernel(mesh, { ...PRODUCT, inputs: unevenly }))).toBe(
      [
        "BatchMatMul(a: float32[64, 32], b: float32[32, 48]) on { dp: 2, tp: 4 }",
        "",
        "dp (2)    a                 b                 output           cost",
        "arriving  Shard(0)          Replicate()",
        // a: half of [64, 32/4], 1,024 bytes, and 8,000 for the latency.
        "          * Replicate()     Replicate()       Replicate()      9024",
        ">         Shard(0)          Replicate()       Shard(0)            0",
        "          * Replicate()     * Shard(1)        Shard(1)         9025",
        '          * Shard(1)        * Shard(0)        Partial("sum")   8513',
        '          * Partial("sum")  Replicate()       Partial("sum")  never',
        '          * Replicate()     * Partial("sum")  Partial("sum")  never',
        "",
        "tp (4)    a                 b                 output           cost",
        "arriving  Shard(1)          Shard(1)",
        "          * Replicate()     * Replicate()     Replicate()     23680",
        "          * Shard(0)        * Replicate()     Shard(0)        21376",
        // a: 3/4 of [64/2, 32], 3,072 bytes.
        "          * Replicate()     Shard(1)          Shard(1)        11072",
        // b: an all-to-all of [32, 48], 3/16 of 6,144 bytes.
        '>         Shard(1)          * Shard(0)        Partial("sum")   9152',
        '          * Partial("sum")  * Replicate()     Partial("sum")  never',
        '          * Replicate()     * Partial("sum")  Partial("sum")  never',
        "",
        "> chosen, * this input must move; cost: bytes that a rank sends, and the latency of collectives as bytes; never: nothing becomes partial by itself",
        "move b: allToAll along tp, 1152 bytes per rank",
        'output float32[64, 48]: dp Shard(0), tp Partial("sum")',
        "",
      ].join("\n"),
    );
  });

  test("chooses what the planner chooses, for every pair of placements of a product", () => {
    const rule = createRuleTable(builtinRules()).lookup("BatchMatMul")!;
    const all = [Replicate(), Shard(0), Shard(1), Partial()];
    const inputs = { a: { shape: [6, 10] }, b: { shape: [10, 7] } };
    const call = {
      kernel: "BatchMatMul",
      attrs: {},
      inputs: Object.entries(inputs).map(([name, { shape }]) => ({ name, shape, dtype: "float32" as const })),
    };
    for (const a of all) {
      for (const b of all) {
        const decision = decide(
          rule,
          call,
          [
            [a, b],
            [b, a],
          ],
          mesh,
        );
        const explained = explainKernel(mesh, {
          kernel: "BatchMatMul",
          inputs: {
            a: { ...inputs.a, placements: { dp: a, tp: b } },
            b: { ...inputs.b, placements: { dp: b, tp: a } },
          },
        });
        expect(chosen(explained).map(({ inputs: [first] }) => first)).toEqual(decision.inputs[0]);
        expect(chosen(explained).map(({ inputs: [, second] }) => second)).toEqual(decision.inputs[1]);
        expect(explained.outputs[0]!.placements).toEqual(decision.outputs[0]);
      }
    }
  });

  test("among equals the first is chosen, and only that one", () => {
    const { axes } = explainKernel(mesh, {
      kernel: "Add",
      inputs: { a: { shape: [4, 8] }, b: { shape: [8] } },
    });
    for (const { candidates } of axes) {
      expect(candidates.map(({ isChosen }) => isChosen)).toEqual(candidates.map((_, i) => i === 0));
    }
  });

  test("knows rules of one's own, and says where there is none", () => {
    const rule = defineRule({
      kernels: ["CubeSum"],
      outputs: ({ inputs: [x] }) => [{ shape: [x!.shape[0]!], dtype: "float32" }],
      strategies: () => [{ inputs: [Shard(1)], outputs: [Partial()] }],
    });
    const question = { kernel: "CubeSum", inputs: { x: { shape: [4, 8], placements: { tp: Shard(1) } } } };
    expect(chosen(explainKernel(mesh, { ...question, rules: [rule] }))[1]!.outputs).toEqual([Partial()]);
    expect(() => explainKernel(mesh, question)).toThrow(
      new ContractError(
        'explainKernel: kernel ("CubeSum") must have a rule; without one its inputs are gathered and every rank computes all of it. Use defineRule, and options.rules here.',
      ),
    );
  });
});
