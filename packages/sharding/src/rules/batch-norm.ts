/**
 * Batch normalisation with given mean and variance, and normalisation over neighbouring channels.
 *
 * `FusedBatchNorm` computes each element by itself, so any dim may be split; statistics of one dim `[C]` follow the
 * channels. Where the statistics are those of the batch, `Mean` over a split batch makes them global ones: every rank
 * normalises as one device would.
 *
 * `LRN` looks at the neighbours of each channel: batch and space may be split, channels may not.
 *
 * @packageDocumentation
 */
import { inputAt } from "./attributes.ts";
import { pointwiseRule } from "./pointwise.ts";
import { rowWiseRule } from "./row-wise.ts";
import type { Rule } from "./rule.ts";

/** Rules of `FusedBatchNorm`, `LRN` and its gradient. */
export const batchNormRules: readonly Rule[] = [
  pointwiseRule({ kernels: ["FusedBatchNorm"] }),
  rowWiseRule({
    kernels: ["LRN", "LRNGrad"],
    isRow: (call, dim) => dim === inputAt(call, 0).shape.length - 1,
    attrsKey: () => "",
  }),
];
