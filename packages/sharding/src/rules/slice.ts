/**
 * Kernels that take elements out along some dims.
 *
 * | kernel         | dims that change      | partial values | where the dims that change are split        |
 * | -------------- | --------------------- | -------------- | ------------------------------------------- |
 * | `Slice`        | those taken in part   | pass           | one all-to-all of what changes ranks        |
 * | `StridedSlice` | those taken in part   | pass           | the same; whole, if dims are added or lost  |
 * | `SplitV`       | `axis`                | pass           | one all-to-all for all pieces               |
 *
 * Dims that do not change may be split without communication.
 *
 * @packageDocumentation
 */
import { slice_util, type TensorInfo } from "@tensorflow/tfjs";
import { numElements } from "../layout.ts";
import { dimAttr, inputAt, integerAttr, numbersAttr } from "./attributes.ts";
import { dimwiseRule, isMovable } from "./dimwise.ts";
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
import { groupsAlong, isSplit, rowBytes } from "./split-dim.ts";
import { dimsWhere, passPartials, sharded } from "./strategy.ts";

const slice = dimwiseRule({
  kernel: "Slice",
  shape: (call) => sliceOf(call).size,
  changes: (call, dim) => sliceOf(call).size[dim] !== inputAt(call, 0).shape[dim],
  runs: (call, dim) => {
    const { begin, size } = sliceOf(call);
    return [{ from: begin[dim]!, to: 0, length: size[dim]! }];
  },
  // Whatever `begin` is: it may differ in every step.
  sent: (call, dim, numRanks) =>
    Math.min(Math.ceil(inputAt(call, 0).shape[dim]! / numRanks), sliceOf(call).size[dim]!),
  localAttrs: ({ call, outputs }) => ({ begin: sliceOf(call).begin, size: outputs[0]!.localShape }),
  attrsKey: sliceKey,
  dynamicAttrs: true,
});

const stridedSlice = dimwiseRule({
  kernel: "StridedSlice",
  shape: (call) => stridesOf(call).size,
  changes: (call, dim) => {
    const { begin, strides, size } = stridesOf(call);
    return begin[dim] !== 0 || strides[dim] !== 1 || size[dim] !== inputAt(call, 0).shape[dim];
  },
  runs: (call, dim) => {
    const { begin, strides, size } = stridesOf(call);
    return [{ from: begin[dim]!, step: strides[dim]!, to: 0, length: size[dim]! }];
  },
  attrsKey: ({ begin, end, strides, ...masks }) =>
    `${String(begin)}/${String(end)}/${String(strides)}/${Object.values(masks).join()}`,
});

/** Rules of the kernels above. */
export const sliceRules: readonly Rule[] = [
  slice,
  {
    ...stridedSlice,
    outputs: (call) => [{ shape: stridesOf(call).finalShape, dtype: inputAt(call, 0).dtype }],
    strategies: (call, axis) => (keepsDims(call) ? stridedSlice.strategies(call, axis) : passPartials(1, 1)),
  },
  {
    kernels: ["SplitV"],
    outputs: (call) => {
      const { shape, dtype } = inputAt(call, 0);
      const axis = dimAttr(call, "axis", shape.length);
      return splitSizes(call).map((size) => ({ shape: shape.with(axis, size), dtype }));
    },
    strategies: (call, axis) => {
      const dim = dimAttr(call, "axis", inputAt(call, 0).shape.length);
      const numOutputs = splitSizes(call).length;
      return [
        ...dimsWhere(inputAt(call, 0).shape.length, (other) => other !== dim).map((other) =>
          sharded([other], new Array<number>(numOutputs).fill(other)),
        ),
        ...passPartials(1, numOutputs),
        ...splitPieces(call, axis, dim),
      ];
    },
    local: splitAlong,
    isPlain: ({ call, inputs }) => !isSplit(inputs[0]!, dimAttr(call, "axis", inputs[0]!.shape.length)),
    communicates: true,
    attrsKey: (attrs) => `${String(attrs.axis)}/${splitKey(attrs)}`,
  },
];

/** `begin` and `size` per dim; tfjs lets trailing ones be left out, and -1 mean "to the end". */
function sliceOf(call: KernelCall): { begin: readonly number[]; size: readonly number[] } {
  const { shape } = inputAt(call, 0);
  const givenBegin = numbersAttr(call, "begin");
  const givenSize = numbersAttr(call, "size");
  const begin = shape.map((_, dim) => givenBegin[dim] ?? 0);
  const size = shape.map((whole, dim) => {
    const asked = givenSize[dim] ?? -1;
    return asked < 0 ? whole - begin[dim]! : asked;
  });
  return { begin, size };
}

/** Where `begin` does not change the shape of the result it stays out of the key, for it may differ in every step. */
function sliceKey({ begin, size }: KernelAttrs): string {
  const explicit =
    Array.isArray(size) &&
    Array.isArray(begin) &&
    size.length >= begin.length &&
    size.every((value) => typeof value === "number" && value >= 0);
  return explicit ? size.join() : `${String(begin)}/${String(size)}`;
}

/** Where each dim begins, its steps, and how many elements are taken. */
function stridesOf(call: KernelCall): {
  begin: readonly number[];
  strides: readonly number[];
  size: readonly number[];
  finalShape: readonly number[];
} {
  const [begin, end, steps] = ["begin", "end", "strides"].map((name) => [...numbersAttr(call, name)]) as [
    number[],
    number[],
    number[],
  ];
  const mask = (name: string): number => integerAttr(call, name, 0);
  const info = slice_util.sliceInfo(
    [...inputAt(call, 0).shape],
    begin,
    end,
    steps,
    mask("beginMask"),
    mask("endMask"),
    mask("ellipsisMask"),
    mask("newAxisMask"),
    mask("shrinkAxisMask"),
  );
  const size = slice_util
    .computeOutShape(info.begin, info.end, info.strides)
    .map((length) => Math.max(0, length));
  return { begin: info.begin, strides: info.strides, size, finalShape: info.finalShape };
}

function keepsDims(call: KernelCall): boolean {
  return integerAttr(call, "newAxisMask", 0) === 0 && integerAttr(call, "shrinkAxisMask", 0) === 0;
}

function splitSizes(call: KernelCall): readonly number[] {
  const { shape } = inputAt(call, 0);
  const whole = shape[dimAttr(call, "axis", shape.length)]!;
  const sizes = call.attrs.numOrSizeSplits;
  if (typeof sizes === "number") return new Array<number>(sizes).fill(whole / sizes);
  const given = numbersAttr(call, "numOrSizeSplits");
  const rest = whole - given.reduce((sum, size) => (size < 0 ? sum : sum + size), 0);
  return given.map((size) => (size < 0 ? rest : size));
}

/** A number of pieces and a list of one size must not share a key. */
function splitKey({ numOrSizeSplits }: KernelAttrs): string {
  return Array.isArray(numOrSizeSplits) ? `[${numOrSizeSplits.join()}]` : String(numOrSizeSplits);
}

/** The pieces, one after the other, are the input. */
function splitRuns(sizes: readonly number[]): Run[] {
  let from = 0;
  return sizes.map((length, output) => {
    const run = { from, output, to: 0, length };
    from += length;
    return run;
  });
}

function splitPieces(call: KernelCall, axis: AxisContext, dim: number): AxisStrategy[] {
  const input = inputAt(call, 0);
  if (!isMovable(input) || axis.piecesByOthers(0, dim) > 1) return [];
  const sizes = splitSizes(call);
  const plan = { runs: splitRuns(sizes), inputSizes: [input.shape[dim]!], outputSizes: sizes };
  const localBytes = mostSent(plan, axis.size) * rowBytes(call, axis, { input: 0, dim });
  return [{ ...sharded([dim], new Array<number>(sizes.length).fill(dim)), localBytes }];
}

function splitAlong(kernels: LocalKernels, inputs: readonly TensorInfo[], local: LocalCall): TensorInfo[] {
  const layout = local.inputs[0]!;
  const dim = dimAttr(local.call, "axis", layout.shape.length);
  if (numElements(layout.localShape.with(dim, 1)) === 0) return emptyOutputs(kernels, local);
  const sizes = splitSizes(local.call);
  return exchangeAlong(kernels, inputs, {
    dim,
    shapes: [layout.localShape],
    runs: splitRuns(sizes),
    inputSizes: [layout.shape[dim]!],
    outputSizes: sizes,
    group: groupsAlong(local, layout, dim).find(({ size }) => size > 1),
    label: `SplitV along dim ${dim} of [${layout.shape.join(", ")}]`,
  });
}
