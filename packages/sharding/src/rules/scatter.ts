/**
 * Writing slices at index tuples: into zeros (`ScatterNd`, which adds), into a tensor (`TensorScatterUpdate`, where the
 * last one stays), or from a sparse form.
 *
 * Legend: `indices` `[T..., K]`, `updates` `[T..., D...]`, the result `[V..., D...]` with K indexed dims V.
 *
 * | kernel                | split                                             | output              |
 * | --------------------- | ------------------------------------------------- | ------------------- |
 * | `ScatterNd`           | `indices`, `updates` over a dim of T              | `Partial("sum")`    |
 * | `ScatterNd`           | `updates` over a dim of D                         | split over that dim |
 * | `ScatterNd`           | `updates` `Partial("sum")`                        | `Partial("sum")`    |
 * | `TensorScatterUpdate` | `tensor` over a dim of V: a rank writes its own   | split over that dim |
 * | `TensorScatterUpdate` | `tensor`, `updates` over a dim of D               | split over that dim |
 * | `TensorScatterUpdate` | `tensor`, `updates` partial in one way            | partial             |
 * | `SparseToDense`       | none                                              |                     |
 *
 * Nothing communicates. The dims V of `ScatterNd` are on no input, so nothing says that they are wanted split. Updates
 * of one place must be applied in their order, so those of `TensorScatterUpdate` and `SparseToDense` stay whole.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { numElements } from "../layout.ts";
import { inputAt, numbersAttr } from "./attributes.ts";
import { localSlice } from "./index-tuple.ts";
import type { AxisStrategy, KernelCall, LocalCall, LocalKernels, Rule } from "./rule.ts";
import { isSplit } from "./split-dim.ts";
import { dimsWhere, partial, PARTIAL_OPS, reduced, sharded } from "./strategy.ts";

/** Rules of the kernels above. */
export const scatterRules: readonly Rule[] = [
  {
    kernels: ["ScatterNd"],
    outputs: (call) => [{ shape: numbersAttr(call, "shape"), dtype: inputAt(call, 1).dtype }],
    strategies: (call) => [...scatterSplits(call), partial([undefined, "sum"], ["sum"])],
    localAttrs: ({ outputs }) => ({ shape: outputs[0]!.localShape }),
    attrsKey: (attrs) => String(attrs.shape),
  },
  {
    kernels: ["TensorScatterUpdate"],
    outputs: (call) => [inputAt(call, 0)],
    strategies: (call) => {
      const { shape } = inputAt(call, 0);
      const k = tupleSize(call, 1);
      const shift = inputAt(call, 1).shape.length - 1 - k;
      return [
        ...shape.map((_, dim) => sharded([dim, undefined, dim < k ? undefined : dim + shift], [dim])),
        ...PARTIAL_OPS.map((op) => partial([op, undefined, op], [op])),
      ];
    },
    local: (kernels, inputs, local) => [updateOwn(kernels, inputs, local)],
    isPlain: ({ call, inputs }) =>
      dimsWhere(tupleSize(call, 1), (dim) => isSplit(inputs[0]!, dim)).length === 0,
    attrsKey: () => "",
  },
  {
    kernels: ["SparseToDense"],
    outputs: (call) => [{ shape: numbersAttr(call, "outputShape"), dtype: inputAt(call, 1).dtype }],
    strategies: () => [],
    attrsKey: (attrs) => String(attrs.outputShape),
  },
];

/** K */
function tupleSize(call: KernelCall, indices: number): number {
  return inputAt(call, indices).shape.at(-1)!;
}

function scatterSplits(call: KernelCall): AxisStrategy[] {
  const k = tupleSize(call, 0);
  const numTupleDims = inputAt(call, 0).shape.length - 1;
  return dimsWhere(inputAt(call, 1).shape.length, () => true).map((dim) =>
    dim < numTupleDims ? reduced([dim, dim], ["sum"]) : sharded([undefined, dim], [k + dim - numTupleDims]),
  );
}

/** Writes the updates whose tuples point into this rank's part, in their order. */
function updateOwn(kernels: LocalKernels, inputs: readonly TensorInfo[], local: LocalCall): TensorInfo {
  const k = tupleSize(local.call, 1);
  const target = local.inputs[0]!;
  const inner = numElements(target.localShape.slice(k));
  return kernels.create(target.localShape, target.dtype, (out) => {
    const [tensor, indices, updates] = inputs.map((info) => kernels.view(info)) as [
      typeof out,
      typeof out,
      typeof out,
    ];
    out.set(tensor);
    for (let at = 0, from = 0; at < indices.length; at += k, from += inner) {
      const slice = localSlice("TensorScatterUpdate", indices.subarray(at, at + k), target);
      if (slice < 0) continue;
      for (let i = 0; i < inner; i++) out[slice * inner + i] = updates[from + i]!;
    }
  });
}
