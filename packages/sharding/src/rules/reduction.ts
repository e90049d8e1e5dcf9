/**
 * Reductions over dims.
 *
 * Splitting a dim that stays splits the output; splitting a dim that is reduced gives a partial output:
 *
 * | kernel        | over a split dim | on an empty shard |
 * | ------------- | ---------------- | ----------------- |
 * | `Sum`, `Mean` | `Partial("sum")` | 0                 |
 * | `Max`, `Any`  | `Partial("max")` | -Infinity, false  |
 * | `Min`, `All`  | `Partial("min")` | Infinity, true    |
 * | `Prod`        | not split        |                   |
 *
 * @packageDocumentation
 */
import { backend_util, type DataType, type TensorInfo } from "@tensorflow/tfjs";
import type { PartialOp } from "../placement.ts";
import { dimAttr, dimsAttr, inputAt } from "./attributes.ts";
import type { AxisStrategy, KernelAttrs, KernelCall, LocalCall, LocalKernels, Rule } from "./rule.ts";
import { partial, reduced, sharded } from "./strategy.ts";

interface Reduction {
  readonly kernel: string;
  /** How results over parts of a dim combine; `undefined`: they do not. */
  readonly combine: PartialOp | undefined;
  readonly dtype: (input: DataType) => DataType;
  readonly emptyValue?: number;
  readonly local?: NonNullable<Rule["local"]>;
}

function reductionRule({ kernel, combine, dtype, ...rest }: Reduction): Rule {
  return {
    kernels: [kernel],
    outputs: (call) => [{ shape: outputShape(call), dtype: dtype(inputAt(call, 0).dtype) }],
    strategies: (call) => strategies(call, combine),
    attrsKey,
    ...rest,
  };
}

/** `Max` alone calls its dims `reductionIndices`. */
function reducedDims(call: KernelCall): readonly number[] {
  return dimsAttr(call, call.kernel === "Max" ? "reductionIndices" : "axis", inputAt(call, 0).shape);
}

function outputShape(call: KernelCall): readonly number[] {
  const { shape } = inputAt(call, 0);
  const dims = reducedDims(call);
  return call.attrs.keepDims === true
    ? shape.map((size, dim) => (dims.includes(dim) ? 1 : size))
    : shape.filter((_, dim) => !dims.includes(dim));
}

function strategies(call: KernelCall, combine: PartialOp | undefined): AxisStrategy[] {
  const dims = reducedDims(call);
  const found: AxisStrategy[] = [];
  inputAt(call, 0).shape.forEach((_, dim) => {
    if (!dims.includes(dim)) found.push(sharded([dim], [keptDim(dim, dims, call.attrs)]));
    else if (combine !== undefined) found.push(reduced([dim], [combine]));
  });
  if (combine !== undefined) found.push(partial([combine], [combine]));
  return found;
}

function keptDim(dim: number, dims: readonly number[], attrs: KernelAttrs): number {
  return attrs.keepDims === true ? dim : dim - dims.filter((other) => other < dim).length;
}

function attrsKey(attrs: KernelAttrs): string {
  const dims = attrs.axis ?? attrs.reductionIndices;
  const text = Array.isArray(dims) ? dims.join() : String(dims);
  return attrs.keepDims === true ? `${text}k` : text;
}

/** A mean over a split dim divides by the *global* count: uneven shards then weigh what they hold. */
function localMean(kernels: LocalKernels, inputs: readonly TensorInfo[], local: LocalCall): TensorInfo[] {
  const { call } = local;
  const layout = local.inputs[0]!;
  const x = inputs[0]!;
  const dims = reducedDims(call);
  if (dims.every((dim) => layout.localShape[dim] === layout.shape[dim])) {
    return kernels.run("Mean", { x }, call.attrs);
  }
  const count = dims.reduce((product, dim) => product * layout.shape[dim]!, 1);

  const float = kernels.run("Cast", { x }, { dtype: "float32" })[0]!;
  const sum = kernels.run("Sum", { x: float }, call.attrs)[0]!;
  const divisor = kernels.run("Fill", {}, { shape: [], value: count, dtype: "float32" })[0]!;
  const mean = kernels.run("RealDiv", { a: sum, b: divisor });
  for (const info of [float, sum, divisor]) kernels.dispose(info);
  return mean;
}

const sumType = (dtype: DataType): DataType => backend_util.upcastType(dtype, "int32");
const sameType = (dtype: DataType): DataType => dtype;

/** Rules of all reductions. */
export const reductionRules: readonly Rule[] = [
  reductionRule({ kernel: "Sum", combine: "sum", dtype: sumType }),
  reductionRule({ kernel: "Mean", combine: "sum", dtype: () => "float32", local: localMean }),
  reductionRule({ kernel: "Max", combine: "max", dtype: sameType, emptyValue: -Infinity }),
  reductionRule({ kernel: "Any", combine: "max", dtype: sameType }),
  reductionRule({ kernel: "Min", combine: "min", dtype: sameType, emptyValue: Infinity }),
  reductionRule({ kernel: "All", combine: "min", dtype: sameType, emptyValue: 1 }),
  reductionRule({ kernel: "Prod", combine: undefined, dtype: sumType }),
  {
    kernels: ["ArgMax", "ArgMin"],
    outputs: (call) => {
      const { shape } = inputAt(call, 0);
      const dim = dimAttr(call, "axis", shape.length, 0);
      return [{ shape: shape.filter((_, other) => other !== dim), dtype: "int32" }];
    },
    // The position of a maximum is global: the dim that is searched stays whole.
    strategies: (call) => {
      const { shape } = inputAt(call, 0);
      const dim = dimAttr(call, "axis", shape.length, 0);
      return shape.flatMap((_, other) =>
        other === dim ? [] : [sharded([other], [other < dim ? other : other - 1])],
      );
    },
    attrsKey: (attrs) => String(attrs.axis),
  },
];
