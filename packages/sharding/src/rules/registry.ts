/**
 * Finds the rule of a kernel by its name.
 *
 * @packageDocumentation
 */
import { batchNormRules } from "./batch-norm.ts";
import { concatRules } from "./concat.ts";
import { convRules } from "./conv.ts";
import { countingRules } from "./counting.ts";
import { creationRules } from "./creation.ts";
import { crossEntropyRules } from "./cross-entropy.ts";
import { cumulativeRules } from "./cumulative.ts";
import { depthwiseConvRules } from "./depthwise-conv.ts";
import { diagRules } from "./diag.ts";
import { dilationRules } from "./dilation.ts";
import { einsumRules } from "./einsum.ts";
import { embeddingLookupRules } from "./embedding-lookup.ts";
import { fusedRules } from "./fused.ts";
import { gatherNdRules } from "./gather-nd.ts";
import { gatherRules } from "./gather.ts";
import { groupedLinearRules } from "./grouped-linear.ts";
import { imageRules } from "./image.ts";
import { linearRules } from "./linear.ts";
import { matMulRules } from "./matmul.ts";
import { normRules } from "./norms.ts";
import { padRules } from "./pad.ts";
import { pointwiseRules } from "./pointwise.ts";
import { poolRules } from "./pool.ts";
import { positionRules } from "./positions.ts";
import { randomRules } from "./random.ts";
import { reductionRules } from "./reduction.ts";
import { rotaryEmbeddingRules } from "./rotary-embedding.ts";
import type { Rule } from "./rule.ts";
import { scatterRules } from "./scatter.ts";
import { sliceRules } from "./slice.ts";
import { softmaxRules } from "./softmax.ts";
import { spaceToBatchRules } from "./space-to-batch.ts";
import { topKRules } from "./top-k.ts";
import { viewRules } from "./view.ts";

/** The rules that Meshwright brings. Each kernel is covered once. */
export function builtinRules(): readonly Rule[] {
  return [
    ...pointwiseRules,
    ...matMulRules,
    ...einsumRules,
    ...linearRules,
    ...groupedLinearRules,
    ...reductionRules,
    ...positionRules,
    ...viewRules,
    ...sliceRules,
    ...padRules,
    ...concatRules,
    ...gatherRules,
    ...gatherNdRules,
    ...scatterRules,
    ...softmaxRules,
    ...cumulativeRules,
    ...topKRules,
    ...creationRules,
    ...randomRules,
    ...fusedRules,
    ...crossEntropyRules,
    ...embeddingLookupRules,
    ...rotaryEmbeddingRules,
    ...normRules,
    ...convRules,
    ...depthwiseConvRules,
    ...dilationRules,
    ...poolRules,
    ...batchNormRules,
    ...imageRules,
    ...spaceToBatchRules,
    ...countingRules,
    ...diagRules,
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
