/**
 * Kernels that join tensors along a dim, or take one apart: every other dim may be split, all inputs alike.
 *
 * Partial values pass where *all* inputs are partial in the same way.
 *
 * @packageDocumentation
 */
import { dimAttr, inputAt, integerAttr } from "./attributes.ts";
import type { KernelCall, Rule } from "./rule.ts";
import { dimsWhere, passPartials, sharded } from "./strategy.ts";

/** Rules of `Concat`, `Pack` (stack) and `Unpack` (unstack). */
export const concatRules: readonly Rule[] = [
  {
    kernels: ["Concat"],
    outputs: (call) => {
      const { shape, dtype } = inputAt(call, 0);
      const axis = dimAttr(call, "axis", shape.length);
      const size = call.inputs.reduce((sum, input) => sum + input.shape[axis]!, 0);
      return [{ shape: shape.with(axis, size), dtype }];
    },
    strategies: (call) => {
      const ndim = inputAt(call, 0).shape.length;
      const axis = dimAttr(call, "axis", ndim);
      return [
        ...dimsWhere(ndim, (dim) => dim !== axis).map((dim) => sharded(ofEachInput(call, dim), [dim])),
        ...passPartials(call.inputs.length, 1),
      ];
    },
    attrsKey: (attrs) => String(attrs.axis),
  },
  {
    kernels: ["Pack"],
    outputs: (call) => {
      const { shape, dtype } = inputAt(call, 0);
      return [{ shape: shape.toSpliced(packedDim(call), 0, call.inputs.length), dtype }];
    },
    strategies: (call) => {
      const packed = packedDim(call);
      return [
        ...inputAt(call, 0).shape.map((_, dim) =>
          sharded(ofEachInput(call, dim), [dim < packed ? dim : dim + 1]),
        ),
        ...passPartials(call.inputs.length, 1),
      ];
    },
    attrsKey: (attrs) => String(attrs.axis),
  },
  {
    kernels: ["Unpack"],
    outputs: (call) => {
      const { shape, dtype } = inputAt(call, 0);
      const axis = dimAttr(call, "axis", shape.length);
      return new Array<number>(shape[axis]!).fill(0).map(() => ({ shape: shape.toSpliced(axis, 1), dtype }));
    },
    strategies: (call) => {
      const { shape } = inputAt(call, 0);
      const axis = dimAttr(call, "axis", shape.length);
      const numOutputs = shape[axis]!;
      return [
        ...dimsWhere(shape.length, (dim) => dim !== axis).map((dim) =>
          sharded([dim], new Array<number>(numOutputs).fill(dim < axis ? dim : dim - 1)),
        ),
        ...passPartials(1, numOutputs),
      ];
    },
    attrsKey: (attrs) => String(attrs.axis),
  },
];

/** A negative dim counts from the end of the *output*. */
function packedDim(call: KernelCall): number {
  const axis = integerAttr(call, "axis");
  return axis < 0 ? axis + inputAt(call, 0).shape.length + 1 : axis;
}

function ofEachInput(call: KernelCall, dim: number): number[] {
  return call.inputs.map(() => dim);
}
