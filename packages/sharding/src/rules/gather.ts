/**
 * Looking rows up by index, adding them back (the gradient), and one-hot rows.
 *
 * Legend: `x` `[V, D]` a table, `indices` `[T]`, the result `[T, D]`.
 *
 * | kernel               | split                              | output                              |
 * | -------------------- | ---------------------------------- | ----------------------------------- |
 * | `GatherV2`           | `indices` over any dim             | split over the dim that it becomes  |
 * | `GatherV2`           | `x` over a dim that is not indexed | split over that dim                 |
 * | `GatherV2`           | `x` over the dim that is indexed   | `Partial("sum")` (bools: `"max"`):  |
 * |                      |                                    | a rank gives 0 for others' rows     |
 * | `GatherV2`           | `x` partial, `indices` whole       | partial                             |
 * | `UnsortedSegmentSum` | `x`, `segmentIds` over the rows    | `Partial("sum")`                    |
 * | `UnsortedSegmentSum` | `x` over a later dim               | split over that dim                 |
 * | `OneHot`             | `indices` over any dim             | split over that dim                 |
 *
 * No kernel communicates. The segments of `UnsortedSegmentSum` and the depth of `OneHot` are dims that no input has, so
 * nothing says that they are wanted split: they stay whole.
 *
 * @packageDocumentation
 */
import { util, type DataType } from "@tensorflow/tfjs";
import { numElements } from "../layout.ts";
import { dimAttr, inputAt, integerAttr } from "./attributes.ts";
import { maskedGather } from "./masked-gather.ts";
import type { AxisContext, AxisStrategy, KernelCall, Rule } from "./rule.ts";
import { allReduceBytes, isSplit } from "./split-dim.ts";
import { partial, PARTIAL_OPS, reduced, sharded } from "./strategy.ts";

/** Rules of the kernels above. */
export const gatherRules: readonly Rule[] = [
  {
    kernels: ["GatherV2"],
    outputs: (call) => {
      const { x, indices, axis, batchDims } = gatherDims(call);
      const shape = [...x.slice(0, axis), ...indices.slice(batchDims), ...x.slice(axis + 1)];
      return [{ shape, dtype: inputAt(call, 0).dtype }];
    },
    strategies: (call, context) => [...gatherStrategies(call), splitTable(call, context)],
    local: (kernels, inputs, local) => [maskedGather(kernels, inputs, local, gatherDims(local.call))],
    isPlain: ({ call, inputs }) => !isSplit(inputs[0]!, gatherDims(call).axis),
    attrsKey: (attrs) => `${String(attrs.axis)}/${String(attrs.batchDims)}`,
  },
  {
    kernels: ["UnsortedSegmentSum"],
    outputs: (call) => {
      const { shape, dtype } = inputAt(call, 0);
      const numSegments = integerAttr(call, "numSegments");
      return [{ shape: [numSegments, ...shape.slice(inputAt(call, 1).shape.length)], dtype }];
    },
    strategies: segmentStrategies,
    attrsKey: (attrs) => String(attrs.numSegments),
  },
  {
    kernels: ["OneHot"],
    outputs: (call) => [
      {
        shape: [...inputAt(call, 0).shape, integerAttr(call, "depth")],
        dtype: call.attrs.dtype as DataType,
      },
    ],
    strategies: (call) => inputAt(call, 0).shape.map((_, dim) => sharded([dim], [dim])),
    attrsKey: (attrs) => `${String(attrs.depth)}${String(attrs.dtype)}`,
  },
];

function gatherDims(call: KernelCall): {
  x: readonly number[];
  indices: readonly number[];
  axis: number;
  batchDims: number;
} {
  const x = inputAt(call, 0).shape;
  const indices = inputAt(call, 1).shape;
  const batchDims = integerAttr(call, "batchDims", 0);
  return {
    x,
    indices,
    axis: dimAttr(call, "axis", x.length, 0),
    batchDims: batchDims < 0 ? batchDims + indices.length : batchDims,
  };
}

function gatherStrategies(call: KernelCall): AxisStrategy[] {
  const { x, indices, axis, batchDims } = gatherDims(call);
  const found: AxisStrategy[] = [];
  for (let dim = 0; dim < batchDims; dim++) found.push(sharded([dim, dim], [dim]));
  for (let dim = batchDims; dim < indices.length; dim++) {
    found.push(sharded([undefined, dim], [axis + dim - batchDims]));
  }
  for (let dim = batchDims; dim < x.length; dim++) {
    if (dim < axis) found.push(sharded([dim, undefined], [dim]));
    if (dim > axis) found.push(sharded([dim, undefined], [dim - 1 + indices.length - batchDims]));
  }
  for (const op of PARTIAL_OPS) found.push(partial([op, undefined], [op]));
  return found;
}

/**
 * What is cheap now is paid when the result is reduced; where that costs more than gathering a small table, the table is
 * gathered.
 */
function splitTable(call: KernelCall, context: AxisContext): AxisStrategy {
  const { x, indices, axis, batchDims } = gatherDims(call);
  const { dtype } = inputAt(call, 0);
  const result = [...x.slice(0, axis), ...indices.slice(batchDims), ...x.slice(axis + 1)];
  const bytes = numElements(result) * util.bytesPerElement(dtype);
  return {
    ...reduced([axis, undefined], [dtype === "bool" ? "max" : "sum"]),
    localBytes: allReduceBytes(bytes, context.size),
  };
}

/** Only the common form, ids of one dim: the engines disagree about others. */
function segmentStrategies(call: KernelCall): AxisStrategy[] {
  if (inputAt(call, 1).shape.length !== 1) return [];
  const trailing = inputAt(call, 0).shape.slice(1);
  return [
    reduced([0, 0], ["sum"]),
    ...trailing.map((_, i) => sharded([i + 1, undefined], [i + 1])),
    partial(["sum", undefined], ["sum"]),
  ];
}
