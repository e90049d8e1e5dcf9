/**
 * Sums of products by subscripts, `bij,bjk->bik`.
 *
 * | split                                | output             |
 * | ------------------------------------ | ------------------ |
 * | a label that stays, wherever it is   | split over it      |
 * | a label that is summed, all its dims | `Partial("sum")`   |
 * | one operand `Partial("sum")`         | `Partial("sum")`   |
 *
 * Operands without the label stay whole. Nothing communicates. tfjs has no gradient of the kernel, and takes no label
 * twice in one operand.
 *
 * @packageDocumentation
 */
import { backend_util, type DataType } from "@tensorflow/tfjs";
import { inputAt } from "./attributes.ts";
import type { AxisStrategy, KernelCall, Rule } from "./rule.ts";
import { dimsWhere, partial, reduced, sharded, type SplitDim } from "./strategy.ts";

/** Rule of `Einsum`. */
export const einsumRules: readonly Rule[] = [
  {
    kernels: ["Einsum"],
    outputs: (call) => {
      const { labels, numKept } = subscriptsOf(call);
      const shape = Array.from({ length: numKept }, (_, label) => sizeOf(call, labels, label));
      return [{ shape, dtype: dtypeOf(call, numKept) }];
    },
    strategies,
    attrsKey: (attrs) => String(attrs.equation),
  },
];

interface Subscripts {
  /** The number of the label at each dim of each operand; those of the output come first, in its order. */
  readonly labels: readonly (readonly number[])[];
  readonly numLabels: number;
  /** Labels of the output. */
  readonly numKept: number;
}

function subscriptsOf(call: KernelCall): Subscripts {
  const { allDims, summedDims, idDims } = backend_util.decodeEinsumEquation(
    String(call.attrs.equation),
    call.inputs.length,
  );
  return { labels: idDims, numLabels: allDims.length, numKept: allDims.length - summedDims.length };
}

function sizeOf(call: KernelCall, labels: Subscripts["labels"], label: number): number {
  const operand = labels.findIndex((dims) => dims.includes(label));
  return inputAt(call, operand).shape[labels[operand]!.indexOf(label)]!;
}

/** Sums of bools are counts. */
function dtypeOf(call: KernelCall, numKept: number): DataType {
  const dtype = call.inputs.map((input) => input.dtype).reduce((a, b) => backend_util.upcastType(a, b));
  const isSum = subscriptsOf(call).numLabels > numKept;
  return isSum ? backend_util.upcastType(dtype, "int32") : dtype;
}

function strategies(call: KernelCall): AxisStrategy[] {
  const { labels, numLabels, numKept } = subscriptsOf(call);
  const splits = dimsWhere(numLabels, () => true).map((label) => {
    const dims = labels.map((operand): SplitDim => {
      const dim = operand.indexOf(label);
      return dim < 0 ? undefined : dim;
    });
    return label < numKept ? sharded(dims, [label]) : reduced(dims, ["sum"]);
  });
  const linear = call.inputs.map((_, one) =>
    partial(
      call.inputs.map((__, i) => (i === one ? "sum" : undefined)),
      ["sum"],
    ),
  );
  return [...splits, ...linear];
}
