/**
 * Rows of a table by index, where the table, its features or the indices are split.
 *
 * Legend: B any dims (indices), V rows of the table, D features, p ranks on the axis.
 *
 * | kernel                | split    | inputs                                         | output           |
 * | --------------------- | -------- | ---------------------------------------------- | ---------------- |
 * | `EmbeddingLookup`     | rows     | table `[V/p, D]`, indices `[B]`                | `Partial("sum")` |
 * | `EmbeddingLookup`     | features | table `[V, D/p]`, indices `[B]`                | `[B, D/p]`       |
 * | `EmbeddingLookup`     | indices  | table `[V, D]`, indices `[B/p]`                | `[B/p, D]`       |
 * | `EmbeddingLookupGrad` | rows     | dy `[B, D]`, indices `[B]`, table `[V/p, D]`   | `[V/p, D]`       |
 * | `EmbeddingLookupGrad` | features | dy `[B, D/p]`, indices `[B]`, table `[V, D/p]` | `[V, D/p]`       |
 * | `EmbeddingLookupGrad` | indices  | dy `[B/p, D]`, indices `[B/p]`, table `[V, D]` | `Partial("sum")` |
 * | `EmbeddingLookupGrad` | nothing  | dy `Partial("sum")`, the others whole          | `Partial("sum")` |
 *
 * A rank gives zeros for the rows that others hold. The gradient kernel takes the table for its placement only, so the
 * gradient of a split table comes out split, and no rank ever holds one of the whole shape.
 *
 * @packageDocumentation
 */
import { inputAt } from "./attributes.ts";
import type { KernelCall, Rule } from "./rule.ts";
import { dimsWhere, partial, reduced, sharded } from "./strategy.ts";

/** Rules of `EmbeddingLookup` and its gradient. */
export const embeddingLookupRules: readonly Rule[] = [
  {
    kernels: ["EmbeddingLookup"],
    outputs: (call) => {
      const [table, indices] = [inputAt(call, 0), inputAt(call, 1)];
      return [{ shape: [...indices.shape, table.shape[1]!], dtype: "float32" }];
    },
    strategies: (call) => [
      ...indexDims(call).map((dim) => sharded([undefined, dim], [dim])),
      sharded([1, undefined], [inputAt(call, 1).shape.length]),
      reduced([0, undefined], ["sum"]),
    ],
    localAttrs: ({ call, inputs }) => ({ ...call.attrs, firstRow: inputs[0]!.offset[0]! }),
    attrsKey: () => "",
  },
  {
    kernels: ["EmbeddingLookupGrad"],
    outputs: (call) => [inputAt(call, 2)],
    strategies: (call) => [
      sharded([undefined, undefined, 0], [0]),
      sharded([inputAt(call, 1).shape.length, undefined, 1], [1]),
      ...indexDims(call).map((dim) => reduced([dim, dim, undefined], ["sum"])),
      // Positions, which every sequence shares: the gradient stays partial, to be reduced with its bucket.
      partial(["sum", undefined, undefined], ["sum"]),
    ],
    localAttrs: ({ call, inputs }) => ({ ...call.attrs, firstRow: inputs[2]!.offset[0]! }),
    attrsKey: () => "",
  },
];

function indexDims(call: KernelCall): number[] {
  return dimsWhere(inputAt(call, 1).shape.length, () => true);
}
