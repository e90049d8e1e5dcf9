/**
 * Rotary position embedding: pairs of features turn, so the features of a head stay whole; all other dims may be split.
 *
 * Legend: `x` `[B, T, D]`, `positions` `[T]`, B any leading dims.
 *
 * | split           | `x`              | `positions` | output           |
 * | --------------- | ---------------- | ----------- | ---------------- |
 * | a leading dim   | `[B/p, T, D]`    | whole       | `[B/p, T, D]`    |
 * | positions       | `[B, T/p, D]`    | `[T/p]`     | `[B, T/p, D]`    |
 *
 * @packageDocumentation
 */
import { inputAt } from "./attributes.ts";
import type { Rule } from "./rule.ts";
import { dimsWhere, sharded } from "./strategy.ts";

/** Rule of `RotaryEmbedding`, which is its own gradient. */
export const rotaryEmbeddingRules: readonly Rule[] = [
  {
    kernels: ["RotaryEmbedding"],
    outputs: (call) => [inputAt(call, 0)],
    strategies: (call) => {
      const positionDim = inputAt(call, 0).shape.length - 2;
      return dimsWhere(positionDim + 1, () => true).map((dim) =>
        sharded([dim, dim === positionDim ? 0 : undefined], [dim]),
      );
    },
    // Angles decide nothing, and change between layers and directions.
    attrsKey: () => "",
    dynamicAttrs: true,
  },
];
