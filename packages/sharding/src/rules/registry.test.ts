import { describe, expect, test } from "vitest";
import { defineRule } from "./define-rule.ts";
import { builtinRules, createRuleTable } from "./registry.ts";
import type { Rule } from "./rule.ts";

const own: Rule = { kernels: ["Relu", "Swish"], outputs: (call) => [call.inputs[0]!], strategies: () => [] };

describe("Rule table", () => {
  test("each kernel has one built-in rule", () => {
    const table = createRuleTable(builtinRules());
    expect(table.replaced).toEqual([]);
    expect(table.lookup("BatchMatMul")!.kernels).toContain("_FusedMatMul");
    expect(table.lookup("NoSuchKernel")).toBeUndefined();
    expect(new Set(table.kernels).size).toBe(table.kernels.length);
  });

  test("covers every kernel of a GPT's training step", () => {
    const table = createRuleTable(builtinRules());
    const used =
      "Add AddN All Any ArgMax BatchMatMul Cast ClipByValue Concat Cumsum Equal ExpandDims Fill GatherV2 Greater " +
      "Identity Max Maximum Mean Multiply Neg OneHot OnesLike Pack PadV2 Pow Prod Range RealDiv Reshape Rsqrt Select " +
      "Slice Softmax SplitV Sqrt Square Sub Sum Tanh Tile TopK Transpose Unpack UnsortedSegmentSum ZerosLike " +
      "_FusedMatMul LayerNorm LayerNormGrad RMSNorm RMSNormGrad Gelu GeluGrad CausalSoftmax CausalSoftmaxGrad " +
      "CrossEntropy CrossEntropyGrad Dropout AdamWUpdate";
    expect(used.split(" ").filter((kernel) => table.lookup(kernel) === undefined)).toEqual([]);
  });

  test("every built-in rule is well-formed and has a cache key that is not JSON", () => {
    for (const rule of builtinRules()) {
      expect(defineRule(rule).kernels).toEqual(rule.kernels);
      expect(rule).toHaveProperty("attrsKey");
    }
  });

  test("a later rule wins and the table says so", () => {
    const table = createRuleTable([...builtinRules(), own]);
    expect(table.lookup("Relu")).toBe(own);
    expect(table.lookup("Swish")).toBe(own);
    expect(table.replaced).toEqual(["Relu"]);
  });
});

describe("defineRule", () => {
  test("returns a frozen copy", () => {
    const rule = defineRule(own);
    expect(rule).not.toBe(own);
    expect(rule).toEqual(own);
    expect(Object.isFrozen(rule)).toBe(true);
  });

  test("names everything that is wrong at once", () => {
    // What a program without types may pass.
    const wrong: Rule = JSON.parse('{"kernels": ["A", "", "A"], "local": 1, "emptyValue": "none"}') as Rule;
    expect(() => defineRule(wrong)).toThrow(
      [
        "defineRule: the rule must be complete; correct:",
        '- kernels[1] ("") must be a kernel name; use the name that runKernel takes.',
        '- kernels[2] ("A") must be named once; remove the second.',
        "- outputs (undefined) must be a function; use (call) => the global shape and dtype of every output.",
        "- strategies (undefined) must be a function; use () => [] for a kernel that is always replicated.",
        "- local (number) must be a function; leave it out for the default.",
        '- emptyValue ("none") must be a number; use what a reduction of nothing gives.',
      ].join("\n"),
    );
    expect(() => defineRule({ ...own, communicates: true })).toThrow(
      "- communicates (true) must come with local, which makes the collectives; leave it out for the plain kernel.",
    );
    expect(() => defineRule({ ...own, kernels: [] })).toThrow(
      '- kernels ([]) must be a list of kernel names; use ["MyKernel"].',
    );
  });
});
