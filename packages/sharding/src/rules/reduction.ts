/**
 * Reductions over dims.
 *
 * Splitting a dim that stays splits the output; splitting a dim that is reduced gives a partial output, which whoever
 * uses it reduces. No reduction multiplies, so a product gathers its factors itself.
 *
 * | kernel        | over a split dim | on an empty shard | communication                      |
 * | ------------- | ---------------- | ----------------- | ---------------------------------- |
 * | `Sum`, `Mean` | `Partial("sum")` | 0                 | none                               |
 * | `Max`, `Any`  | `Partial("max")` | -Infinity, false  | none                               |
 * | `Min`, `All`  | `Partial("min")` | Infinity, true    | none                               |
 * | `Prod`        | `Replicate()`    | 1                 | one all-gather of the output       |
 *
 * @packageDocumentation
 */
import { backend_util, type DataType, type TensorInfo } from "@tensorflow/tfjs";
import { numElements } from "../layout.ts";
import type { PartialOp } from "../placement.ts";
import { dimsAttr, inputAt } from "./attributes.ts";
import { emptyOutputs } from "./empty-outputs.ts";
import type {
  AxisContext,
  AxisStrategy,
  KernelAttrs,
  KernelCall,
  LocalCall,
  LocalKernels,
  Rule,
} from "./rule.ts";
import { allGatherBytes, groupsAlong, isSplit } from "./split-dim.ts";
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

function splitFactors(call: KernelCall, axis: AxisContext): AxisStrategy[] {
  const dims = reducedDims(call);
  const { shape } = inputAt(call, 0);
  const bytes = shape.reduce(
    (size, whole, dim) => (dims.includes(dim) ? size : (size * whole) / axis.piecesByOthers(0, dim)),
    4,
  );
  return dims.map((dim) => ({
    ...sharded([dim], [undefined]),
    localBytes: allGatherBytes(bytes, axis.size),
  }));
}

/** The product of the own factors, times those of the other ranks, in rank order. */
function multiplyOverRanks(
  kernels: LocalKernels,
  inputs: readonly TensorInfo[],
  local: LocalCall,
): TensorInfo[] {
  const layout = local.inputs[0]!;
  const { localShape, dtype } = local.outputs[0]!;
  if (numElements(localShape) === 0) return emptyOutputs(kernels, local);
  const groups = groupsAlong(local, layout, ...reducedDims(local.call));
  const label = `factors of Prod of [${layout.shape.join(", ")}]`;
  const [mine] = layout.localShape.includes(0)
    ? [kernels.create(localShape, dtype, (out) => out.fill(1))]
    : (kernels.run("Prod", { x: inputs[0]! }, local.call.attrs) as [TensorInfo]);
  const product = kernels.create(localShape, dtype, (out) => {
    out.set(kernels.view(mine));
    for (const group of groups) {
      const factors = group.allGather(out, { label });
      out.fill(1);
      for (let at = 0; at < factors.length; at++) out[at % out.length]! *= factors[at]!;
    }
  });
  kernels.dispose(mine);
  return [product];
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
  {
    ...reductionRule({ kernel: "Prod", combine: undefined, dtype: sumType, emptyValue: 1 }),
    strategies: (call, axis) => [...strategies(call, undefined), ...splitFactors(call, axis)],
    local: multiplyOverRanks,
    isPlain: ({ call, inputs }) => !reducedDims(call).some((dim) => isSplit(inputs[0]!, dim)),
    communicates: true,
  },
];
