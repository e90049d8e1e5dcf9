/**
 * Kernels that build each dim of their output out of elements along the same dim of their input: slices, padding,
 * repetition, reversal.
 *
 * | split                       | local step                                             | communication    |
 * | --------------------------- | ------------------------------------------------------ | ---------------- |
 * | a dim that stays as it is   | the plain kernel                                       | none             |
 * | a dim that changes          | every rank keeps what stays with it, and gets the rest | one all-to-all   |
 * | a dim that changes, by more | the elements would go through several ranks: all but   |                  |
 * | than one axis               | one of the axes are gathered                           |                  |
 *
 * @packageDocumentation
 */
import { util, type TensorInfo } from "@tensorflow/tfjs";
import { inputAt } from "./attributes.ts";
import { emptyOutputs } from "./empty-outputs.ts";
import { exchangeAlong } from "./exchange-dim.ts";

import type {
  AxisContext,
  AxisStrategy,
  KernelAttrs,
  KernelCall,
  LocalCall,
  LocalKernels,
  Rule,
} from "./rule.ts";
import { mostSent, type Run } from "./runs.ts";
import { groupsAlong, isSplit } from "./split-dim.ts";
import { dimsWhere, passPartials, sharded } from "./strategy.ts";

/** What one kernel has of its own. The output has the dims of the input. */
export interface DimwiseKernel {
  readonly kernel: string;
  /** Whole shape of the output. */
  readonly shape: (call: KernelCall) => readonly number[];
  /** Whether a dim of the output differs from the input's. */
  readonly changes: (call: KernelCall, dim: number) => boolean;
  /** Where the elements along a dim come from. */
  readonly runs: (call: KernelCall, dim: number) => readonly Run[];
  /** What elements hold that no run reaches. Default 0. */
  readonly fill?: (call: KernelCall) => number;
  /** Default: all pass. */
  readonly partials?: (call: KernelCall) => readonly AxisStrategy[];
  /** Default: the largest number of elements along the dim that one rank sends. */
  readonly sent?: (call: KernelCall, dim: number, numRanks: number) => number;
  readonly localAttrs?: (local: LocalCall) => KernelAttrs;
  readonly attrsKey: NonNullable<Rule["attrsKey"]>;
  readonly dynamicAttrs?: boolean;
}

/** The rule of such a kernel. */
export function dimwiseRule(family: DimwiseKernel): Rule {
  const { kernel, attrsKey, dynamicAttrs, localAttrs } = family;
  return {
    kernels: [kernel],
    outputs: (call) => [{ shape: family.shape(call), dtype: inputAt(call, 0).dtype }],
    strategies: (call, axis) => [
      ...dimsWhere(inputAt(call, 0).shape.length, (dim) => !family.changes(call, dim)).map((dim) =>
        sharded([dim], [dim]),
      ),
      ...(family.partials?.(call) ?? passPartials(1, 1)),
      ...splitChanged(family, call, axis),
    ],
    local: (kernels, inputs, local) => build(family, kernels, inputs[0]!, local),
    isPlain: ({ call, inputs }) => !changedDims(family, call).some((dim) => isSplit(inputs[0]!, dim)),
    ...(localAttrs === undefined ? {} : { localAttrs }),
    communicates: true,
    attrsKey,
    ...(dynamicAttrs === undefined ? {} : { dynamicAttrs }),
  };
}

/** Types whose elements collectives move. */
export function isMovable({ dtype }: { readonly dtype: string }): boolean {
  return dtype === "float32" || dtype === "int32" || dtype === "bool";
}

function changedDims(family: DimwiseKernel, call: KernelCall): number[] {
  return dimsWhere(inputAt(call, 0).shape.length, (dim) => family.changes(call, dim));
}

function splitChanged(family: DimwiseKernel, call: KernelCall, axis: AxisContext): AxisStrategy[] {
  const input = inputAt(call, 0);
  if (!isMovable(input)) return [];
  const output = family.shape(call);
  const cutOnce = changedDims(family, call).filter((dim) => axis.piecesByOthers(0, dim) === 1);
  return cutOnce.map((dim) => {
    const sent =
      family.sent?.(call, dim, axis.size) ??
      mostSent(
        { runs: family.runs(call, dim), inputSizes: [input.shape[dim]!], outputSizes: [output[dim]!] },
        axis.size,
      );
    const perElement = output.reduce(
      (bytes, size, other) => (other === dim ? bytes : (bytes * size) / axis.piecesByOthers(0, other)),
      util.bytesPerElement(input.dtype),
    );
    return { ...sharded([dim], [dim]), localBytes: sent * perElement };
  });
}

/** Changes one dim after the other: first those that this rank holds whole, for they may leave less to exchange. */
function build(family: DimwiseKernel, kernels: LocalKernels, x: TensorInfo, local: LocalCall): TensorInfo[] {
  const { call } = local;
  const changed = changedDims(family, call);
  const input = local.inputs[0]!;
  const output = local.outputs[0]!;
  const unsplit = changed.filter((dim) => !isSplit(input, dim));
  const split = changed.filter((dim) => isSplit(input, dim));
  if (output.localShape.some((size, dim) => size === 0 && !split.includes(dim))) {
    return emptyOutputs(kernels, local);
  }
  let current = x;
  let shape = input.localShape;
  for (const dim of [...unsplit, ...split]) {
    const [next] = exchangeAlong(kernels, [current], {
      dim,
      shapes: [shape],
      runs: family.runs(call, dim),
      inputSizes: [input.shape[dim]!],
      outputSizes: [output.shape[dim]!],
      group: groupsAlong(local, input, dim).find(({ size }) => size > 1),
      fill: family.fill?.(call) ?? 0,
      label: `${call.kernel} along dim ${dim} of [${input.shape.join(", ")}]`,
    }) as [TensorInfo];
    if (current !== x) kernels.dispose(current);
    current = next;
    shape = shape.with(dim, output.localShape[dim]!);
  }
  return [current];
}
