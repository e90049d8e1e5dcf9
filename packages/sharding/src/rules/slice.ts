/**
 * Kernels that take, add, repeat or turn round elements along some dims: the other dims may be split.
 *
 * | kernel             | dims that may be split          | partial values                            |
 * | ------------------ | ------------------------------- | ----------------------------------------- |
 * | `Slice`            | those taken whole               | pass                                      |
 * | `SplitV`           | all but `axis`                  | pass                                      |
 * | `PadV2`            | those without padding           | pass; sums only where the padding is zero |
 * | `Tile`             | those repeated once             | pass                                      |
 * | `Reverse`          | those not reversed              | pass                                      |
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { dimAttr, dimsAttr, inputAt, numbersAttr } from "./attributes.ts";
import type { AxisStrategy, KernelAttrs, KernelCall, Rule } from "./rule.ts";
import { dimsWhere, partial, passPartials, sharded } from "./strategy.ts";

/** Rules of the kernels above. */
export const sliceRules: readonly Rule[] = [
  {
    kernels: ["Slice"],
    outputs: (call) => [{ shape: sliceOf(call).size, dtype: inputAt(call, 0).dtype }],
    strategies: (call) => {
      const { size } = sliceOf(call);
      const { shape } = inputAt(call, 0);
      return [...untouched(call, (dim) => size[dim] === shape[dim]), ...passPartials(1, 1)];
    },
    localAttrs: ({ call, outputs }) => ({ begin: sliceOf(call).begin, size: outputs[0]!.localShape }),
    attrsKey: sliceKey,
    dynamicAttrs: true,
  },
  {
    kernels: ["SplitV"],
    outputs: (call) => {
      const { shape, dtype } = inputAt(call, 0);
      const axis = dimAttr(call, "axis", shape.length);
      return splitSizes(call).map((size) => ({ shape: shape.with(axis, size), dtype }));
    },
    strategies: (call) => {
      const axis = dimAttr(call, "axis", inputAt(call, 0).shape.length);
      const numOutputs = splitSizes(call).length;
      return [...untouched(call, (dim) => dim !== axis, numOutputs), ...passPartials(1, numOutputs)];
    },
    attrsKey: (attrs) => `${String(attrs.axis)}/${splitKey(attrs)}`,
  },
  {
    kernels: ["PadV2"],
    outputs: (call) => {
      const { shape, dtype } = inputAt(call, 0);
      const padded = paddings(call).map(([before, after], dim) => before + shape[dim]! + after);
      return [{ shape: padded, dtype }];
    },
    strategies: (call) => {
      const amounts = paddings(call);
      const passed = call.attrs.constantValue === 0 ? passPartials(1, 1) : EXTREMES;
      return [...untouched(call, (dim) => amounts[dim]![0] === 0 && amounts[dim]![1] === 0), ...passed];
    },
    attrsKey: (attrs) => `${attrs.constantValue === 0 ? "z" : "c"}${String(attrs.paddings)}`,
  },
  {
    kernels: ["Tile"],
    outputs: (call) => {
      const { shape, dtype } = inputAt(call, 0);
      const reps = numbersAttr(call, "reps");
      return [{ shape: shape.map((size, dim) => size * reps[dim]!), dtype }];
    },
    strategies: (call) => {
      const reps = numbersAttr(call, "reps");
      return [...untouched(call, (dim) => reps[dim] === 1), ...passPartials(1, 1)];
    },
    attrsKey: (attrs) => String(attrs.reps),
  },
  {
    kernels: ["Reverse"],
    outputs: (call) => [inputAt(call, 0)],
    strategies: (call) => {
      const dims = dimsAttr(call, "dims", inputAt(call, 0).shape);
      return [...untouched(call, (dim) => !dims.includes(dim)), ...passPartials(1, 1)];
    },
    attrsKey: (attrs) => String(attrs.dims),
  },
];

/** The largest (smallest) of candidates and a constant is that of the candidates, each beside the constant. */
const EXTREMES: readonly AxisStrategy[] = [partial(["max"], ["max"]), partial(["min"], ["min"])];

function untouched(call: KernelCall, keep: (dim: number) => boolean, numOutputs = 1): AxisStrategy[] {
  return dimsWhere(inputAt(call, 0).shape.length, keep).map((dim) =>
    sharded([dim], new Array<number>(numOutputs).fill(dim)),
  );
}

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

function paddings(call: KernelCall): readonly (readonly [number, number])[] {
  const value = call.attrs.paddings;
  if (!Array.isArray(value) || value.length !== inputAt(call, 0).shape.length) {
    throw new ContractError(
      `${call.kernel}: attribute "paddings" (${JSON.stringify(value)}) must be one [before, after] per dim; use [0, 0] for dims without padding.`,
    );
  }
  return value as [number, number][];
}
