/**
 * Tensors made from attributes, or from nothing but the shape of another.
 *
 * `Fill`, `Range` and `LinSpace` have no input to follow: every rank computes the whole value.
 * `ZerosLike` and `OnesLike` lie like their input, and are whole where it is partial, for they do not read it.
 *
 * @packageDocumentation
 */
import { util, type DataType } from "@tensorflow/tfjs";
import { inputAt, integerAttr, numbersAttr } from "./attributes.ts";
import type { KernelAttrs, KernelCall, Rule } from "./rule.ts";
import { partial, PARTIAL_OPS, sharded } from "./strategy.ts";

/** Rules of the kernels above. */
export const creationRules: readonly Rule[] = [
  {
    kernels: ["ZerosLike", "OnesLike"],
    outputs: (call) => [inputAt(call, 0)],
    strategies: (call) => [
      ...inputAt(call, 0).shape.map((_, dim) => sharded([dim], [dim])),
      ...PARTIAL_OPS.map((op) => partial([op], [undefined])),
    ],
    attrsKey: () => "",
  },
  {
    kernels: ["Fill"],
    outputs: (call) => [{ shape: numbersAttr(call, "shape"), dtype: fillType(call.attrs) }],
    strategies: () => [],
    // Without the value: it may be a learning rate.
    attrsKey: (attrs) => `${fillType(attrs)}${String(attrs.shape)}`,
  },
  {
    kernels: ["Range"],
    outputs: (call) => [{ shape: [rangeLength(call)], dtype: call.attrs.dtype as DataType }],
    strategies: () => [],
    attrsKey: ({ start, stop, step, dtype }) =>
      `${String(start)}/${String(stop)}/${String(step)}/${String(dtype)}`,
  },
  {
    kernels: ["LinSpace"],
    outputs: (call) => [{ shape: [integerAttr(call, "num")], dtype: "float32" }],
    strategies: () => [],
    attrsKey: (attrs) => String(attrs.num),
  },
];

function fillType({ dtype, value }: KernelAttrs): DataType {
  return (dtype ?? util.inferDtype(value as number)) as DataType;
}

/** As tfjs counts: a descending range with the default step 1 steps by -1. */
function rangeLength(call: KernelCall): number {
  const [start, stop, step] = ["start", "stop", "step"].map((name) => numbersAttr(call, name)[0] ?? 1) as [
    number,
    number,
    number,
  ];
  const runsAway = (start < stop && step < 0) || (stop < start && step > 1);
  return start === stop || runsAway ? 0 : Math.abs(Math.ceil((stop - start) / step));
}
