/**
 * Running sums and products: the dim that is run along stays whole, every other dim may be split.
 *
 * @packageDocumentation
 */
import { backend_util } from "@tensorflow/tfjs";
import { dimAttr, inputAt } from "./attributes.ts";
import { rowWiseRule } from "./row-wise.ts";
import type { Rule } from "./rule.ts";
import { partial } from "./strategy.ts";

const runningRule = rowWiseRule({
  kernels: ["Cumprod"],
  isRow: (call, dim) => dim === dimAttr(call, "axis", inputAt(call, 0).shape.length, 0),
  dtype: (call) => backend_util.upcastType(inputAt(call, 0).dtype, "int32"),
  attrsKey: (attrs) => String(attrs.axis),
});

/** Rules of `Cumsum`, which is linear, and `Cumprod`, which is not. */
export const cumulativeRules: readonly Rule[] = [
  runningRule,
  {
    ...runningRule,
    kernels: ["Cumsum"],
    strategies: (call, axis) => [...runningRule.strategies(call, axis), partial(["sum"], ["sum"])],
  },
];
