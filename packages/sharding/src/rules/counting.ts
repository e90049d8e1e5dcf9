/**
 * Counting values, and finding their places in sorted ones.
 *
 * | kernel          | inputs                                | split along   | output           |
 * | --------------- | ------------------------------------- | ------------- | ---------------- |
 * | `Bincount`      | `x [n]`, `weights [n]` or none        | n             | `Partial("sum")` |
 * | `DenseBincount` | `x [n]` or `[B, n]`, `weights` alike  | n             | `Partial("sum")` |
 * |                 |                                       | B             | B                |
 * | `SearchSorted`  | `sortedSequence [B, s]`, `values [B, n]` | B, n       | B, n             |
 *
 * Whether a value occurs at all (`binaryOutput`) is no sum, so there n stays whole.
 *
 * @packageDocumentation
 */
import { numElements } from "../layout.ts";
import { inputAt, integerAttr } from "./attributes.ts";
import type { AxisStrategy, KernelCall, Rule } from "./rule.ts";
import { reduced, sharded, type SplitDim } from "./strategy.ts";

/** `weights` without elements stand for ones, and stay as they are. */
function weightsDim(call: KernelCall, dim: number): SplitDim {
  return numElements(inputAt(call, 1).shape) === 0 ? undefined : dim;
}

function countSplits(call: KernelCall): AxisStrategy[] {
  const ndim = inputAt(call, 0).shape.length;
  const [last, isSum] = [ndim - 1, call.attrs.binaryOutput !== true && inputAt(call, 1).dtype !== "bool"];
  return [
    ...(isSum ? [reduced([last, weightsDim(call, last)], ["sum"])] : []),
    ...(ndim === 2 ? [sharded([0, weightsDim(call, 0)], [0])] : []),
  ];
}

/** Rules of the kernels above. */
export const countingRules: readonly Rule[] = [
  {
    kernels: ["Bincount", "DenseBincount"],
    outputs: (call) => [
      {
        shape: [...inputAt(call, 0).shape.slice(0, -1), integerAttr(call, "size")],
        dtype: inputAt(call, 1).dtype,
      },
    ],
    strategies: countSplits,
    attrsKey: ({ size, binaryOutput }) => `${String(size)}/${String(binaryOutput)}`,
  },
  {
    kernels: ["SearchSorted"],
    outputs: (call) => [{ shape: inputAt(call, 1).shape, dtype: "int32" }],
    strategies: () => [sharded([0, 0], [0]), sharded([undefined, 1], [1])],
    attrsKey: () => "",
  },
];
