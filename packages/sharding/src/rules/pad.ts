/**
 * Kernels that add, repeat or turn round elements along some dims.
 *
 * | kernel      | dims that change        | partial values                            | where they are split     |
 * | ----------- | ----------------------- | ----------------------------------------- | ------------------------ |
 * | `PadV2`     | those with padding      | pass; sums only where the padding is zero | one all-to-all of what   |
 * | `MirrorPad` | those with padding      | pass                                      | changes ranks; a tile of |
 * | `Tile`      | those repeated          | pass                                      | many copies is gathered  |
 * | `Reverse`   | those reversed          | pass                                      | where that sends less    |
 *
 * Dims that do not change may be split without communication.
 *
 * @packageDocumentation
 */
import { ContractError } from "@meshwright/core";
import { dimsAttr, inputAt, numbersAttr } from "./attributes.ts";
import { dimwiseRule } from "./dimwise.ts";
import type { AxisStrategy, KernelCall, Rule } from "./rule.ts";
import { partial, passPartials } from "./strategy.ts";

/** Rules of the kernels above. */
export const padRules: readonly Rule[] = [
  dimwiseRule({
    kernel: "PadV2",
    shape: paddedShape,
    changes: isPadded,
    runs: (call, dim) => [{ from: 0, to: paddings(call)[dim]![0], length: inputAt(call, 0).shape[dim]! }],
    fill: (call) => call.attrs.constantValue as number,
    partials: (call) => (call.attrs.constantValue === 0 ? passPartials(1, 1) : EXTREMES),
    attrsKey: (attrs) => `${attrs.constantValue === 0 ? "z" : "c"}${String(attrs.paddings)}`,
    // The key tells zero from other constants, but not those from each other.
    dynamicAttrs: true,
  }),
  dimwiseRule({
    kernel: "MirrorPad",
    shape: paddedShape,
    changes: isPadded,
    runs: (call, dim) => {
      const size = inputAt(call, 0).shape[dim]!;
      const [before, after] = paddings(call)[dim]!;
      // "reflect" leaves the border out, "symmetric" repeats it.
      const border = call.attrs.mode === "reflect" ? 1 : 0;
      return [
        { from: before - 1 + border, step: -1, to: 0, length: before },
        { from: 0, to: before, length: size },
        { from: size - 1 - border, step: -1, to: before + size, length: after },
      ];
    },
    attrsKey: (attrs) => `${String(attrs.mode)}${String(attrs.paddings)}`,
  }),
  dimwiseRule({
    kernel: "Tile",
    shape: (call) => {
      const reps = numbersAttr(call, "reps");
      return inputAt(call, 0).shape.map((size, dim) => size * reps[dim]!);
    },
    changes: (call, dim) => numbersAttr(call, "reps")[dim] !== 1,
    runs: (call, dim) => {
      const length = inputAt(call, 0).shape[dim]!;
      return Array.from({ length: numbersAttr(call, "reps")[dim]! }, (_, copy) => ({
        from: 0,
        to: copy * length,
        length,
      }));
    },
    attrsKey: (attrs) => String(attrs.reps),
  }),
  dimwiseRule({
    kernel: "Reverse",
    shape: (call) => inputAt(call, 0).shape,
    changes: (call, dim) => dimsAttr(call, "dims", inputAt(call, 0).shape).includes(dim),
    runs: (call, dim) => {
      const length = inputAt(call, 0).shape[dim]!;
      return [{ from: length - 1, step: -1, to: 0, length }];
    },
    attrsKey: (attrs) => String(attrs.dims),
  }),
];

/** The largest (smallest) of candidates and a constant is that of the candidates, each beside the constant. */
const EXTREMES: readonly AxisStrategy[] = [partial(["max"], ["max"]), partial(["min"], ["min"])];

function paddedShape(call: KernelCall): readonly number[] {
  return paddings(call).map(([before, after], dim) => before + inputAt(call, 0).shape[dim]! + after);
}

function isPadded(call: KernelCall, dim: number): boolean {
  const [before, after] = paddings(call)[dim]!;
  return before !== 0 || after !== 0;
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
