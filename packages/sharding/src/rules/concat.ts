/**
 * Kernels that join tensors along a dim, or take one apart.
 *
 * | kernel    | a split dim                       | local step                                   | communication  |
 * | --------- | --------------------------------- | -------------------------------------------- | -------------- |
 * | all       | every other dim, all inputs alike | the plain kernel                             | none           |
 * | `Concat`  | the joined dim, all inputs alike  | every rank keeps what stays, gets the rest   | one all-to-all |
 * | `Pack`    | the new dim is on no input        |                                              |                |
 * | `Unpack`  | whole: each output is on one rank |                                              |                |
 *
 * Partial values pass where *all* inputs are partial in the same way.
 *
 * @packageDocumentation
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { numElements } from "../layout.ts";
import { dimAttr, inputAt, integerAttr } from "./attributes.ts";
import { isMovable } from "./dimwise.ts";
import { emptyOutputs } from "./empty-outputs.ts";
import { exchangeAlong } from "./exchange-dim.ts";
import type { AxisContext, AxisStrategy, KernelCall, LocalCall, LocalKernels, Rule } from "./rule.ts";
import { mostSent, type RunPlan } from "./runs.ts";
import { groupsAlong, isSplit, rowBytes } from "./split-dim.ts";
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
    strategies: (call, context) => {
      const ndim = inputAt(call, 0).shape.length;
      const axis = dimAttr(call, "axis", ndim);
      return [
        ...dimsWhere(ndim, (dim) => dim !== axis).map((dim) => sharded(ofEachInput(call, dim), [dim])),
        ...passPartials(call.inputs.length, 1),
        ...joinedDim(call, context, axis),
      ];
    },
    local: concatAlong,
    isPlain: ({ call, inputs }) => !isSplit(inputs[0]!, dimAttr(call, "axis", inputs[0]!.shape.length)),
    communicates: true,
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

/** The inputs, one after the other, are the output. */
function joinedRuns(call: KernelCall, dim: number): RunPlan {
  let to = 0;
  const inputSizes = call.inputs.map(({ shape }) => shape[dim]!);
  const runs = inputSizes.map((length, input) => {
    const run = { input, from: 0, to, length };
    to += length;
    return run;
  });
  return { runs, inputSizes, outputSizes: [to] };
}

function joinedDim(call: KernelCall, context: AxisContext, dim: number): AxisStrategy[] {
  const isCutOnce = call.inputs.every((_, input) => context.piecesByOthers(input, dim) === 1);
  if (!isCutOnce || !call.inputs.every(isMovable)) return [];
  const sent = mostSent(joinedRuns(call, dim), context.size);
  const localBytes = sent * rowBytes(call, context, { input: 0, dim });
  return [{ ...sharded(ofEachInput(call, dim), [dim]), localBytes }];
}

function concatAlong(kernels: LocalKernels, inputs: readonly TensorInfo[], local: LocalCall): TensorInfo[] {
  const layout = local.inputs[0]!;
  const dim = dimAttr(local.call, "axis", layout.shape.length);
  if (numElements(layout.localShape.with(dim, 1)) === 0) return emptyOutputs(kernels, local);
  return exchangeAlong(kernels, inputs, {
    dim,
    shapes: local.inputs.map(({ localShape }) => localShape),
    ...joinedRuns(local.call, dim),
    group: groupsAlong(local, layout, dim).find(({ size }) => size > 1),
    label: `Concat along dim ${dim} of [${local.outputs[0]!.shape.join(", ")}]`,
  });
}

/** A negative dim counts from the end of the *output*. */
function packedDim(call: KernelCall): number {
  const axis = integerAttr(call, "axis");
  return axis < 0 ? axis + inputAt(call, 0).shape.length + 1 : axis;
}

function ofEachInput(call: KernelCall, dim: number): number[] {
  return call.inputs.map(() => dim);
}
