/**
 * Kernels that treat every row along one or more dims as a whole: those dims stay whole, the others may be split.
 *
 * @packageDocumentation
 */
import type { DataType } from "@tensorflow/tfjs";
import { inputAt } from "./attributes.ts";
import type { KernelCall, Rule } from "./rule.ts";
import { dimsWhere, sharded } from "./strategy.ts";

/** What one family of row-wise kernels has of its own. All inputs and outputs have the shape of the first input. */
export interface RowWiseFamily {
  readonly kernels: readonly string[];
  /** Whether dim `dim` belongs to the row. */
  readonly isRow: (call: KernelCall, dim: number) => boolean;
  /** Default: the type of the first input. */
  readonly dtype?: (call: KernelCall) => DataType;
  readonly attrsKey: NonNullable<Rule["attrsKey"]>;
}

/** The rule of a family of row-wise kernels. */
export function rowWiseRule({ kernels, isRow, dtype, attrsKey }: RowWiseFamily): Rule {
  return {
    kernels,
    outputs: (call) => {
      const first = inputAt(call, 0);
      return [{ shape: first.shape, dtype: dtype?.(call) ?? first.dtype }];
    },
    strategies: (call) =>
      dimsWhere(inputAt(call, 0).shape.length, (dim) => !isRow(call, dim)).map((dim) =>
        sharded(
          call.inputs.map(() => dim),
          [dim],
        ),
      ),
    attrsKey,
  };
}
