/**
 * Looking slices up by index tuples.
 *
 * Legend: `params` `[V..., D...]` with K indexed dims V, `indices` `[T..., K]`, the result `[T..., D...]`.
 *
 * | split                      | output                                                                       |
 * | -------------------------- | ---------------------------------------------------------------------------- |
 * | `indices` over a dim of T  | split over that dim                                                          |
 * | `params` over a dim of D   | split over that dim                                                          |
 * | `params` over a dim of V   | `Partial("sum")` (bools: `"max"`): a rank gives 0 for the slices of others   |
 * | `params` partial           | partial                                                                      |
 *
 * Nothing communicates. The dim K of the indices holds one tuple, so it stays whole.
 *
 * @packageDocumentation
 */
import { util, type TensorInfo } from "@tensorflow/tfjs";
import { numElements } from "../layout.ts";
import { inputAt } from "./attributes.ts";
import { localSlice } from "./index-tuple.ts";
import type { AxisContext, AxisStrategy, KernelCall, LocalCall, LocalKernels, Rule } from "./rule.ts";
import { allReduceBytes, isSplit } from "./split-dim.ts";
import { dimsWhere, partial, PARTIAL_OPS, reduced, sharded } from "./strategy.ts";

/** Rule of `GatherNd`. */
export const gatherNdRules: readonly Rule[] = [
  {
    kernels: ["GatherNd"],
    outputs: (call) => [{ shape: resultShape(call), dtype: inputAt(call, 0).dtype }],
    strategies,
    local: (kernels, inputs, local) => [maskedGatherNd(kernels, inputs, local)],
    isPlain: ({ call, inputs }) => dimsWhere(tupleSize(call), (dim) => isSplit(inputs[0]!, dim)).length === 0,
    attrsKey: () => "",
  },
];

/** K */
function tupleSize(call: KernelCall): number {
  return inputAt(call, 1).shape.at(-1)!;
}

function resultShape(call: KernelCall): readonly number[] {
  return [...inputAt(call, 1).shape.slice(0, -1), ...inputAt(call, 0).shape.slice(tupleSize(call))];
}

function strategies(call: KernelCall, axis: AxisContext): AxisStrategy[] {
  const k = tupleSize(call);
  const numTupleDims = inputAt(call, 1).shape.length - 1;
  const { shape, dtype } = inputAt(call, 0);
  const bytes = numElements(resultShape(call)) * util.bytesPerElement(dtype);
  return [
    ...dimsWhere(numTupleDims, () => true).map((dim) => sharded([undefined, dim], [dim])),
    ...dimsWhere(shape.length, (dim) => dim >= k).map((dim) =>
      sharded([dim, undefined], [numTupleDims + dim - k]),
    ),
    ...PARTIAL_OPS.map((op) => partial([op, undefined], [op])),
    ...dimsWhere(k, () => true).map((dim) => ({
      ...reduced([dim, undefined], [dtype === "bool" ? "max" : "sum"]),
      // Paid when the result is reduced.
      localBytes: allReduceBytes(bytes, axis.size),
    })),
  ];
}

function maskedGatherNd(kernels: LocalKernels, inputs: readonly TensorInfo[], local: LocalCall): TensorInfo {
  const k = tupleSize(local.call);
  const params = local.inputs[0]!;
  const output = local.outputs[0]!;
  const inner = numElements(params.localShape.slice(k));
  return kernels.create(output.localShape, output.dtype, (out) => {
    const [x, indices] = [kernels.view(inputs[0]!), kernels.view(inputs[1]!)];
    out.fill(0);
    for (let at = 0, to = 0; at < indices.length; at += k, to += inner) {
      const slice = localSlice("GatherNd", indices.subarray(at, at + k), params);
      if (slice < 0) continue;
      for (let i = 0; i < inner; i++) out[to + i] = x[slice * inner + i]!;
    }
  });
}
