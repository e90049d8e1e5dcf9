/**
 * Random kernels: what a shard draws is what the whole would hold, on every mesh.
 *
 * | kernel        | draws                                          | split    |
 * | ------------- | ---------------------------------------------- | -------- |
 * | `Dropout`     | by a key and the *global* index of the element | any dim  |
 * | `RandomScale` | by a stream and that index                     | any dim  |
 * | `Multinomial` | from one stream for all rows                   | none     |
 *
 * tfjs has no other: `tf.randomNormal` and its kin draw on the host, from generators that are seeded alike on all ranks.
 *
 * @packageDocumentation
 */
import { inputAt, integerAttr } from "./attributes.ts";
import { pointwiseRule } from "./pointwise.ts";
import type { Rule } from "./rule.ts";

/** Rules of the kernels above. Both of the first have the attributes `globalShape` and `offset`. */
export const randomRules: readonly Rule[] = [
  {
    ...pointwiseRule({ kernels: ["Dropout", "RandomScale"] }),
    localAttrs: ({ call, inputs }) => ({
      ...call.attrs,
      globalShape: inputs[0]!.shape,
      offset: inputs[0]!.offset,
    }),
    // The key, or the name of the stream, changes with every call.
    dynamicAttrs: true,
  },
  {
    kernels: ["Multinomial"],
    outputs: (call) => [
      { shape: [inputAt(call, 0).shape[0]!, integerAttr(call, "numSamples")], dtype: "int32" },
    ],
    // Engines differ in whether every row restarts the stream, so a part of the rows might draw other numbers.
    strategies: () => [],
    // The seed changes with every call.
    attrsKey: (attrs) => String(attrs.numSamples),
  },
];
