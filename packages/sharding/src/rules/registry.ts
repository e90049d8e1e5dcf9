/**
 * Finds the rule of a kernel by its name.
 *
 * @packageDocumentation
 */
import { concatRules } from "./concat.ts";
import { creationRules } from "./creation.ts";
import { cumulativeRules } from "./cumulative.ts";
import { fusedRules } from "./fused.ts";
import { gatherRules } from "./gather.ts";
import { matMulRules } from "./matmul.ts";
import { pointwiseRules } from "./pointwise.ts";
import { randomRules } from "./random.ts";
import { reductionRules } from "./reduction.ts";
import type { Rule } from "./rule.ts";
import { sliceRules } from "./slice.ts";
import { softmaxRules } from "./softmax.ts";
import { topKRules } from "./top-k.ts";
import { viewRules } from "./view.ts";

/** The rules that Meshwright brings. Each kernel is covered once. */
export function builtinRules(): readonly Rule[] {
  return [
    ...pointwiseRules,
    ...matMulRules,
    ...reductionRules,
    ...viewRules,
    ...sliceRules,
    ...concatRules,
    ...gatherRules,
    ...softmaxRules,
    ...cumulativeRules,
    ...topKRules,
    ...creationRules,
    ...randomRules,
    ...fusedRules,
  ];
}

/** Rules by kernel name. */
export interface RuleTable {
  /** The rule of `kernel`, or `undefined`: the kernel is replicated. */
  lookup(kernel: string): Rule | undefined;
  /** All kernels that have a rule, sorted. */
  readonly kernels: readonly string[];
  /** Kernels that more than one rule covers, sorted; the last rule is the one that counts. */
  readonly replaced: readonly string[];
}

/** Builds the table; where two rules cover a kernel, the later one wins. */
export function createRuleTable(rules: readonly Rule[]): RuleTable {
  const byKernel = new Map<string, Rule>();
  const replaced = new Set<string>();
  for (const rule of rules) {
    for (const kernel of rule.kernels) {
      if (byKernel.has(kernel)) replaced.add(kernel);
      byKernel.set(kernel, rule);
    }
  }
  return {
    lookup: (kernel) => byKernel.get(kernel),
    kernels: [...byKernel.keys()].sort(),
    replaced: [...replaced].sort(),
  };
}
