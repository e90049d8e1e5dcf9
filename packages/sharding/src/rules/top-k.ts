/**
 * The k largest elements of each row, and where they stand: every dim but the last may be split.
 *
 * @packageDocumentation
 */
import { inputAt, integerAttr } from "./attributes.ts";
import type { Rule } from "./rule.ts";
import { dimsWhere, sharded } from "./strategy.ts";

/** Rule of `TopK`. */
export const topKRules: readonly Rule[] = [
  {
    kernels: ["TopK"],
    outputs: (call) => {
      const { shape: whole, dtype } = inputAt(call, 0);
      const shape = [...whole.slice(0, -1), integerAttr(call, "k")];
      return [
        { shape, dtype },
        { shape, dtype: "int32" },
      ];
    },
    strategies: (call) => {
      const last = inputAt(call, 0).shape.length - 1;
      return dimsWhere(last, () => true).map((dim) => sharded([dim], [dim, dim]));
    },
    attrsKey: (attrs) => String(attrs.k),
  },
];
