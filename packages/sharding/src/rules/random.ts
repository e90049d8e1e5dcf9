/**
 * Random kernels: every element depends on a key and its *global* index, so a shard draws what the whole would hold.
 *
 * @packageDocumentation
 */
import { pointwiseRule } from "./pointwise.ts";
import type { Rule } from "./rule.ts";

/** Rule of `Dropout` (attributes `rate`, `key`, `globalShape`, `offset`). Any dim may be split. */
export const randomRules: readonly Rule[] = [
  {
    ...pointwiseRule({ kernels: ["Dropout"] }),
    localAttrs: ({ call, inputs }) => ({
      ...call.attrs,
      globalShape: inputs[0]!.shape,
      offset: inputs[0]!.offset,
    }),
    // The key changes with every call.
    dynamicAttrs: true,
  },
];
