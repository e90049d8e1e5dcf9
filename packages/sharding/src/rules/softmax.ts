/**
 * Softmax and its logarithm: the dim that is normalised stays whole, every other dim may be split.
 *
 * @packageDocumentation
 */
import { dimAttr, inputAt } from "./attributes.ts";
import { rowWiseRule } from "./row-wise.ts";
import type { Rule } from "./rule.ts";

/** Rules of `Softmax`, `LogSoftmax`, `CausalSoftmax` and its gradient. */
export const softmaxRules: readonly Rule[] = [
  rowWiseRule({
    kernels: ["Softmax"],
    isRow: (call, dim) => dim === dimAttr(call, "dim", inputAt(call, 0).shape.length, -1),
    attrsKey: (attrs) => String(attrs.dim),
  }),
  rowWiseRule({
    kernels: ["LogSoftmax"],
    isRow: (call, dim) => dim === dimAttr(call, "axis", inputAt(call, 0).shape.length, -1),
    attrsKey: (attrs) => String(attrs.axis),
  }),
  rowWiseRule({
    // The mask compares positions of queries `[..., T, T]` and keys: both dims stay whole.
    kernels: ["CausalSoftmax", "CausalSoftmaxGrad"],
    isRow: (call, dim) => dim >= inputAt(call, 0).shape.length - 2,
    attrsKey: () => "",
  }),
];
