/**
 * Matrix products, with broadcast batch dims, both transposes, and tfjs' fused bias and activation.
 *
 * Legend: M rows, N columns, K contraction, B any batch dims; p = ranks on the axis.
 *
 * | strategy    | `a` `[B, M, K]`  | `b` `[B, K, N]`  | output `[B, M, N]`   |
 * | ----------- | ---------------- | ---------------- | -------------------- |
 * | batch       | `[B/p, M, K]`    | `[B/p, K, N]`    | `[B/p, M, N]`        |
 * | rows        | `[B, M/p, K]`    | whole            | `[B, M/p, N]`        |
 * | columns     | whole            | `[B, K, N/p]`    | `[B, M, N/p]`        |
 * | contraction | `[B, M, K/p]`    | `[B, K/p, N]`    | `Partial("sum")`     |
 * | linear      | `Partial("sum")` | whole            | `Partial("sum")`     |
 * | linear      | whole            | `Partial("sum")` | `Partial("sum")`     |
 *
 * An activation is applied after the sum over K; with one, the last three are not offered. A fused bias of at most N
 * elements is a summand: the contraction takes it as `Partial("sum")`, whole on the first rank and zero on the others.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { numElements } from "../layout.ts";
import { Partial } from "../placement.ts";
import { inputAt } from "./attributes.ts";
import { alignedDim, broadcastShape } from "./broadcast.ts";
import type { AxisContext, AxisStrategy, KernelAttrs, KernelCall, Rule } from "./rule.ts";
import { partial, reduced, sharded, type SplitDim } from "./strategy.ts";

/** Rule of `BatchMatMul` and `_FusedMatMul`. */
export const matMulRules: readonly Rule[] = [
  {
    kernels: ["BatchMatMul", "_FusedMatMul"],
    outputs: (call) => [{ shape: productDims(call).output, dtype: inputAt(call, 0).dtype }],
    strategies,
    attrsKey: (attrs) => {
      const flags = (attrs.transposeA === true ? "t" : "n") + (attrs.transposeB === true ? "t" : "n");
      return isLinear(attrs) ? flags : `${flags}a`;
    },
  },
];

/** Where M, K and N stand in the operands. */
interface ProductDims {
  readonly rows: number;
  readonly contractionA: number;
  readonly contractionB: number;
  readonly columns: number;
  readonly output: readonly number[];
}

function productDims(call: KernelCall): ProductDims {
  const a = inputAt(call, 0).shape;
  const b = inputAt(call, 1).shape;
  const [rows, contractionA] = matrixDims(a.length, call.attrs.transposeA === true);
  const [contractionB, columns] = matrixDims(b.length, call.attrs.transposeB === true);
  if (a[contractionA] !== b[contractionB]) {
    throw new ContractError(
      `${call.kernel}: inner dims (${a[contractionA]!} of [${a.join(", ")}] and ${b[contractionB]!} of [${b.join(", ")}]) must be equal; use matching shapes, or transposeA and transposeB.`,
    );
  }
  const batch = broadcastShape([a.slice(0, -2), b.slice(0, -2)]);
  return { rows, contractionA, contractionB, columns, output: [...batch, a[rows]!, b[columns]!] };
}

function matrixDims(ndim: number, transposed: boolean): readonly [number, number] {
  return transposed ? [ndim - 1, ndim - 2] : [ndim - 2, ndim - 1];
}

function strategies(call: KernelCall, axis: AxisContext): readonly AxisStrategy[] {
  const { rows, contractionA, contractionB, columns, output } = productDims(call);
  const a = inputAt(call, 0).shape;
  const b = inputAt(call, 1).shape;
  const extras = call.inputs.slice(2);
  const split = (dimA: SplitDim, dimB: SplitDim, dim: number): AxisStrategy =>
    sharded([dimA, dimB, ...extras.map((extra) => alignedDim(extra.shape, output, dim))], [dim]);
  const numBatchDims = output.length - 2;
  const batch = output.slice(0, -2);
  const found = [split(rows, undefined, numBatchDims), split(undefined, columns, numBatchDims + 1)];
  for (let dim = 0; dim < numBatchDims; dim++) {
    found.push(split(alignedDim(a.slice(0, -2), batch, dim), alignedDim(b.slice(0, -2), batch, dim), dim));
  }
  if (!isLinear(call.attrs)) return found;
  const contraction = reduced([contractionA, contractionB], ["sum"]);
  const [bias] = extras;
  if (bias === undefined) {
    found.push(contraction, partial(["sum", undefined], ["sum"]), partial([undefined, "sum"], ["sum"]));
  } else if (
    extras.length === 1 &&
    numElements(bias.shape) <= output.at(-1)! &&
    hasNoEmptyPart(a[contractionA]!, axis.size * axis.piecesByOthers(0, contractionA))
  ) {
    found.push({ ...contraction, inputs: [...contraction.inputs, Partial("sum")], makesPartial: true });
  }
  return found;
}

/** Whether each piece of K is sure to have elements: a rank without any runs no kernel, and would leave its bias out. */
function hasNoEmptyPart(contraction: number, pieces: number): boolean {
  return contraction % pieces === 0 || contraction >= pieces ** 2;
}

function isLinear(attrs: KernelAttrs): boolean {
  const { activation } = attrs;
  return activation === undefined || activation === null || activation === "linear";
}
