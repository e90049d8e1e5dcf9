/**
 * Products of rows and a matrix: core's `Linear` and the gradient of its matrix.
 *
 * Legend: B any leading dims (each may be split, by different axes), I contraction, O columns; p = ranks on the axis.
 *
 * | `Linear`    | `x` `[B, I]`     | `w` `[I, O]`     | output `[B, O]`  |
 * | ----------- | ---------------- | ---------------- | ---------------- |
 * | a leading dim | `[B/p, I]`     | whole            | `[B/p, O]`       |
 * | columns     | whole            | `[I, O/p]`       | `[B, O/p]`       |
 * | contraction | `[B, I/p]`       | `[I/p, O]`       | `Partial("sum")` |
 * | linear      | `Partial("sum")` | whole            | `Partial("sum")` |
 * | linear      | whole            | `Partial("sum")` | `Partial("sum")` |
 *
 * | `LinearGradWeight` | `x` `[B, I]`     | `dy` `[B, O]`    | output `[I, O]`  |
 * | ------------------ | ---------------- | ---------------- | ---------------- |
 * | rows               | `[B, I/p]`       | whole            | `[I/p, O]`       |
 * | columns            | whole            | `[B, O/p]`       | `[I, O/p]`       |
 * | a leading dim      | `[B/p, I]`       | `[B/p, O]`       | `Partial("sum")` |
 * | linear             | `Partial("sum")` | whole            | `Partial("sum")` |
 * | linear             | whole            | `Partial("sum")` | `Partial("sum")` |
 *
 * @packageDocumentation
 */
import { inputAt } from "./attributes.ts";
import type { AxisStrategy, KernelCall, Rule } from "./rule.ts";
import { dimsWhere, partial, reduced, sharded } from "./strategy.ts";

/** Rules of `Linear` and `LinearGradWeight`. */
export const linearRules: readonly Rule[] = [
  {
    kernels: ["Linear"],
    outputs: (call) => {
      const x = inputAt(call, 0).shape;
      const columns = inputAt(call, 1).shape[call.attrs.transposeW === true ? 0 : 1]!;
      return [{ shape: [...x.slice(0, -1), columns], dtype: "float32" }];
    },
    strategies: productStrategies,
    attrsKey: (attrs) => (attrs.transposeW === true ? "t" : "n"),
  },
  {
    kernels: ["LinearGradWeight"],
    outputs: (call) => {
      const [x, dy] = [inputAt(call, 0), inputAt(call, 1)];
      return [{ shape: [x.shape.at(-1)!, dy.shape.at(-1)!], dtype: "float32" }];
    },
    strategies: gradWeightStrategies,
    attrsKey: () => "",
  },
];

/** Linear in each operand as long as the other one is whole. */
const LINEAR_PASSES: readonly AxisStrategy[] = [
  partial(["sum", undefined], ["sum"]),
  partial([undefined, "sum"], ["sum"]),
];

function productStrategies(call: KernelCall): readonly AxisStrategy[] {
  const last = inputAt(call, 0).shape.length - 1;
  const [contraction, columns] = call.attrs.transposeW === true ? [1, 0] : [0, 1];
  return [
    ...leadingDims(call).map((dim) => sharded([dim, undefined], [dim])),
    sharded([undefined, columns], [last]),
    reduced([last, contraction], ["sum"]),
    ...LINEAR_PASSES,
  ];
}

function gradWeightStrategies(call: KernelCall): readonly AxisStrategy[] {
  const last = inputAt(call, 0).shape.length - 1;
  return [
    sharded([last, undefined], [0]),
    sharded([undefined, last], [1]),
    ...leadingDims(call).map((dim) => reduced([dim, dim], ["sum"])),
    ...LINEAR_PASSES,
  ];
}

function leadingDims(call: KernelCall): number[] {
  return dimsWhere(inputAt(call, 0).shape.length - 1, () => true);
}
