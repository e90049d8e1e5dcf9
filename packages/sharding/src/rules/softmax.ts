/**
 * Softmax and its logarithm.
 *
 * Legend: R rows on a rank, D elements per row, p = ranks on the axis.
 *
 * | split                      | local step                                               | communication            |
 * | -------------------------- | -------------------------------------------------------- | ------------------------ |
 * | a dim that counts rows     | the plain kernel                                         | none                     |
 * | the normalised dim         | row maximum and row sum of exponentials over all ranks   | two all-reduces of `[R]` |
 * | both dims of causal scores | whole: the mask compares positions of queries and keys   |                          |
 *
 * A rank without elements contributes -Infinity and 0. The result stays split, where gathering would make it whole.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { numElements } from "../layout.ts";
import { dimAttr, inputAt } from "./attributes.ts";
import { emptyOutputs } from "./empty-outputs.ts";
import { rowWiseRule } from "./row-wise.ts";
import type { AxisContext, AxisStrategy, KernelCall, LocalCall, LocalKernels, Rule } from "./rule.ts";
import { allReduceBytes, allReduced, groupsAlong, isSplit, rowBytes } from "./split-dim.ts";
import { sharded } from "./strategy.ts";

/** Rules of `Softmax`, `LogSoftmax`, `CausalSoftmax` and its gradient. */
export const softmaxRules: readonly Rule[] = [
  normalisingRule("Softmax", "dim"),
  normalisingRule("LogSoftmax", "axis"),
  rowWiseRule({
    kernels: ["CausalSoftmax", "CausalSoftmaxGrad"],
    isRow: (call, dim) => dim >= inputAt(call, 0).shape.length - 2,
    attrsKey: () => "",
  }),
];

function normalisingRule(kernel: string, attr: string): Rule {
  const dimOf = (call: KernelCall): number => dimAttr(call, attr, inputAt(call, 0).shape.length, -1);
  const byRows = rowWiseRule({
    kernels: [kernel],
    isRow: (call, dim) => dim === dimOf(call),
    attrsKey: (attrs) => String(attrs[attr]),
  });
  return {
    ...byRows,
    strategies: (call, axis) => [...byRows.strategies(call, axis), splitRows(call, axis, dimOf(call))],
    local: (kernels, inputs, local) => normalise(kernels, inputs[0]!, local, dimOf(local.call)),
    isPlain: ({ call, inputs }) => !isSplit(inputs[0]!, dimOf(call)),
    communicates: true,
  };
}

function splitRows(call: KernelCall, axis: AxisContext, dim: number): AxisStrategy {
  const bytes = allReduceBytes(rowBytes(call, axis, { input: 0, dim }), axis.size);
  return { ...sharded([dim], [dim]), localBytes: 2 * bytes, localCollectives: 2 };
}

function normalise(kernels: LocalKernels, x: TensorInfo, local: LocalCall, dim: number): TensorInfo[] {
  const layout = local.inputs[0]!;
  const groups = groupsAlong(local, layout, dim);
  const rowShape = layout.localShape.with(dim, 1);
  if (numElements(rowShape) === 0) return emptyOutputs(kernels, local);
  const { kernel } = local.call;
  const rows = `of ${kernel} along dim ${dim} of [${layout.shape.join(", ")}]`;
  const overAll = (info: TensorInfo, op: "max" | "sum"): TensorInfo =>
    allReduced(kernels, info, groups, { op, label: `row ${op} ${rows}` });
  const constant = (value: number): TensorInfo =>
    kernels.create(rowShape, layout.dtype, (out) => out.fill(value));

  if (layout.localShape[dim] === 0) {
    for (const info of [overAll(constant(-Infinity), "max"), overAll(constant(0), "sum")])
      kernels.dispose(info);
    return [kernels.create(layout.localShape, layout.dtype)];
  }
  const reduction = { axis: [dim], reductionIndices: [dim], keepDims: true };
  const largest = overAll(kernels.run("Max", { x }, reduction)[0]!, "max");
  const shifted = kernels.run("Sub", { a: x, b: largest })[0]!;
  const powers = kernels.run("Exp", { x: shifted })[0]!;
  const total = overAll(kernels.run("Sum", { x: powers }, reduction)[0]!, "sum");
  const result =
    kernel === "Softmax"
      ? kernels.run("RealDiv", { a: powers, b: total })
      : subtractLog(kernels, shifted, total);
  for (const info of [largest, shifted, powers, total]) kernels.dispose(info);
  return result;
}

function subtractLog(kernels: LocalKernels, shifted: TensorInfo, total: TensorInfo): TensorInfo[] {
  const logTotal = kernels.run("Log", { x: total })[0]!;
  const result = kernels.run("Sub", { a: shifted, b: logTotal });
  kernels.dispose(logTotal);
  return result;
}
