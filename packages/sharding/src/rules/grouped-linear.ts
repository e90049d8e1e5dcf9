/**
 * Grouped products of rows and matrices: core's `GroupedLinear` and the gradient of its matrices.
 *
 * Legend: E groups (experts), N rows, I contraction, O columns; p = ranks on the axis.
 *
 * | `GroupedLinear` | `x` `[N, I]`     | `w` `[E, I, O]`  | output `[N, O]`  |
 * | --------------- | ---------------- | ---------------- | ---------------- |
 * | columns         | whole            | `[E, I, O/p]`    | `[N, O/p]`       |
 * | contraction     | `[N, I/p]`       | `[E, I/p, O]`    | `Partial("sum")` |
 * | linear          | `Partial("sum")` | whole            | `Partial("sum")` |
 * | linear          | whole            | `Partial("sum")` | `Partial("sum")` |
 *
 * | `GroupedLinearGradWeight` | `x` `[N, I]`     | `dy` `[N, O]`    | output `[E, I, O]` |
 * | ------------------------- | ---------------- | ---------------- | ------------------ |
 * | rows of the matrices      | `[N, I/p]`       | whole            | `[E, I/p, O]`      |
 * | columns                   | whole            | `[N, O/p]`       | `[E, I, O/p]`      |
 * | linear                    | `Partial("sum")` | whole            | `Partial("sum")`   |
 * | linear                    | whole            | `Partial("sum")` | `Partial("sum")`   |
 *
 * Rows and groups stay whole: the counts are those of all rows, and groups end where no chunk of rows does. To split
 * experts, exchange rows in local code and let every rank multiply those of its own.
 *
 * @packageDocumentation
 */
import { inputAt } from "./attributes.ts";
import type { AxisStrategy, KernelAttrs, Rule } from "./rule.ts";
import { partial, reduced, sharded } from "./strategy.ts";

/** Linear in each operand as long as the other one is whole. */
const LINEAR_PASSES: readonly AxisStrategy[] = [
  partial(["sum", undefined], ["sum"]),
  partial([undefined, "sum"], ["sum"]),
];

/** Rules of `GroupedLinear` and `GroupedLinearGradWeight`. Counts change from step to step, so they are in no key. */
export const groupedLinearRules: readonly Rule[] = [
  {
    kernels: ["GroupedLinear"],
    outputs: (call) => {
      const [x, w] = [inputAt(call, 0).shape, inputAt(call, 1).shape];
      return [{ shape: [x[0]!, w[call.attrs.transposeW === true ? 1 : 2]!], dtype: "float32" }];
    },
    strategies: (call) => {
      const [contraction, columns] = call.attrs.transposeW === true ? [2, 1] : [1, 2];
      return [sharded([undefined, columns], [1]), reduced([1, contraction], ["sum"]), ...LINEAR_PASSES];
    },
    attrsKey: (attrs) => (attrs.transposeW === true ? "t" : "n"),
    dynamicAttrs: true,
  },
  {
    kernels: ["GroupedLinearGradWeight"],
    outputs: (call) => {
      const [x, dy] = [inputAt(call, 0).shape, inputAt(call, 1).shape];
      return [{ shape: [numGroups(call.attrs), x[1]!, dy[1]!], dtype: "float32" }];
    },
    strategies: () => [sharded([1, undefined], [1]), sharded([undefined, 1], [2]), ...LINEAR_PASSES],
    attrsKey: (attrs) => String(numGroups(attrs)),
    dynamicAttrs: true,
  },
];

function numGroups({ counts }: KernelAttrs): number {
  return (counts as readonly number[]).length;
}
