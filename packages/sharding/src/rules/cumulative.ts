/**
 * Running sums and products along a dim.
 *
 * Legend: R rows on a rank (every dim but the one that is run along), p = ranks on the axis.
 *
 * | split                       | local step                                        | communication          |
 * | --------------------------- | ------------------------------------------------- | ---------------------- |
 * | a dim that is not run along | the plain kernel                                  | none                   |
 * | the dim that is run along   | run over the own part, starting from the total of | one all-gather of `[R]`|
 * |                             | the ranks before (after, if `reverse`)            |                        |
 * | `Partial("sum")`            | `Cumsum` is linear: passes                        | none                   |
 *
 * @packageDocumentation
 */
import type { NumericArray, ProcessGroup } from "@meshwright/core";
import { backend_util, type TensorInfo } from "@tensorflow/tfjs";
import { numElements } from "../layout.ts";
import { dimAttr, inputAt } from "./attributes.ts";
import { emptyOutputs } from "./empty-outputs.ts";
import { newLike } from "./reduce-pieces.ts";
import { rowWiseRule } from "./row-wise.ts";
import type { AxisContext, AxisStrategy, KernelCall, LocalCall, LocalKernels, Rule } from "./rule.ts";
import { allGatherBytes, groupsAlong, isSplit, rowBytes, stridesAlong, type Strides } from "./split-dim.ts";
import { partial, sharded } from "./strategy.ts";

/** Rules of `Cumsum` and `Cumprod`. */
export const cumulativeRules: readonly Rule[] = [
  cumulativeRule("Cumsum", { neutral: 0, combine: (a, b) => a + b }),
  cumulativeRule("Cumprod", { neutral: 1, combine: (a, b) => a * b }),
];

interface Operation {
  readonly neutral: number;
  readonly combine: (a: number, b: number) => number;
}

function cumulativeRule(kernel: string, operation: Operation): Rule {
  const byRows = rowWiseRule({
    kernels: [kernel],
    isRow: (call, dim) => dim === runDim(call),
    dtype: (call) => backend_util.upcastType(inputAt(call, 0).dtype, "int32"),
    attrsKey: (attrs) => String(attrs.axis),
  });
  return {
    ...byRows,
    strategies: (call, axis) => [
      ...byRows.strategies(call, axis),
      ...(kernel === "Cumsum" ? [partial(["sum"], ["sum"])] : []),
      splitRun(call, axis),
    ],
    local: (kernels, inputs, local) => run(kernels, inputs[0]!, local, operation),
    isPlain: ({ call, inputs }) => !isSplit(inputs[0]!, runDim(call)),
    // The wasm engine's kernels know no negative axis.
    localAttrs: ({ call }) => ({ ...call.attrs, axis: runDim(call) }),
    // `exclusive` and `reverse` decide nothing.
    dynamicAttrs: true,
    communicates: true,
  };
}

function runDim(call: KernelCall): number {
  return dimAttr(call, "axis", inputAt(call, 0).shape.length, 0);
}

function splitRun(call: KernelCall, axis: AxisContext): AxisStrategy {
  const dim = runDim(call);
  // Totals of bools are int32.
  const bytes = rowBytes(call, axis, { input: 0, dim, bytesPerValue: 4 });
  return { ...sharded([dim], [dim]), localBytes: allGatherBytes(bytes, axis.size) };
}

function run(kernels: LocalKernels, input: TensorInfo, local: LocalCall, operation: Operation): TensorInfo[] {
  const { call } = local;
  const layout = local.inputs[0]!;
  const dim = runDim(call);
  const groups = groupsAlong(local, layout, dim);
  if (numElements(layout.localShape.with(dim, 1)) === 0) return emptyOutputs(kernels, local);
  const strides = stridesAlong(layout.localShape, dim);
  const exclusive = call.attrs.exclusive === true;
  const reverse = call.attrs.reverse === true;
  const label = `totals of ${call.kernel} along dim ${dim} of [${layout.shape.join(", ")}]`;
  const { localShape, dtype } = local.outputs[0]!;
  return [
    kernels.create(localShape, dtype, (out) => {
      const x = kernels.view(input);
      const state = newLike(out, strides.outer * strides.inner).fill(operation.neutral);
      total(x, state, strides, operation);
      const start = exclusivePrefix(state, groups, { reverse, label, operation });
      accumulate({ x, out, state: start }, strides, { exclusive, reverse }, operation);
    }),
  ];
}

/** The sum (product) over the dim, per row. */
function total(
  x: NumericArray,
  state: NumericArray,
  { outer, size, inner }: Strides,
  { combine }: Operation,
): void {
  for (let o = 0, at = 0; o < outer; o++) {
    for (let i = 0; i < size; i++) {
      for (let k = 0; k < inner; k++, at++) state[o * inner + k] = combine(state[o * inner + k]!, x[at]!);
    }
  }
}

/** What the ranks before this one (after it, if `reverse`) total, the innermost cut first. */
function exclusivePrefix(
  mine: NumericArray,
  groups: readonly ProcessGroup[],
  options: { readonly reverse: boolean; readonly label: string; readonly operation: Operation },
): NumericArray {
  const { reverse, label, operation } = options;
  const { neutral, combine } = operation;
  const numRows = mine.length;
  const prefix = newLike(mine, numRows).fill(neutral);
  let whole = mine;
  for (const group of groups.toReversed()) {
    const totals = group.allGather(whole, { label });
    whole = newLike(mine, numRows).fill(neutral);
    for (let rank = 0; rank < group.size; rank++) {
      const isBefore = reverse ? rank > group.rank : rank < group.rank;
      for (let row = 0; row < numRows; row++) {
        const value = totals[rank * numRows + row]!;
        whole[row] = combine(whole[row]!, value);
        if (isBefore) prefix[row] = combine(prefix[row]!, value);
      }
    }
  }
  return prefix;
}

/** Runs over the own part. `state` starts as what came before, and ends as what comes after. */
function accumulate(
  { x, out, state }: Readonly<Record<"x" | "out" | "state", NumericArray>>,
  { outer, size, inner }: Strides,
  { exclusive, reverse }: { readonly exclusive: boolean; readonly reverse: boolean },
  { combine }: Operation,
): void {
  for (let o = 0; o < outer; o++) {
    for (let step = 0; step < size; step++) {
      const start = (o * size + (reverse ? size - 1 - step : step)) * inner;
      for (let k = 0; k < inner; k++) {
        const before = state[o * inner + k]!;
        const after = combine(before, x[start + k]!);
        state[o * inner + k] = after;
        // Read back: the state is rounded, or wrapped, as the outputs are.
        out[start + k] = exclusive ? before : state[o * inner + k]!;
      }
    }
  }
}
