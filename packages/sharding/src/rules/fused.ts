/**
 * Meshwright's fused kernels that work element by element.
 *
 * | kernel        | inputs                            | outputs                |
 * | ------------- | --------------------------------- | ---------------------- |
 * | `Gelu`        | `x`                               | `y`                    |
 * | `GeluGrad`    | `dy`, `x`                         | `dx`                   |
 * | `AdamWUpdate` | `parameter`, `gradient`, `m`, `v` | `parameter`, `m`, `v`  |
 *
 * Any dim may be split. `GeluGrad` is linear in `dy`, but does not take it partial: it is reduced here, once, instead of
 * in each consumer. `norms.ts` has the normalisations, `cross-entropy.ts` the loss.
 *
 * @packageDocumentation
 */
import { inputAt } from "./attributes.ts";
import { pointwiseRule } from "./pointwise.ts";
import type { Rule } from "./rule.ts";
import { sharded } from "./strategy.ts";

/** Rules of the kernels above. */
export const fusedRules: readonly Rule[] = [
  pointwiseRule({ kernels: ["Gelu", "GeluGrad"] }),
  {
    kernels: ["AdamWUpdate"],
    outputs: (call) => [inputAt(call, 0), inputAt(call, 2), inputAt(call, 3)],
    strategies: (call) =>
      inputAt(call, 0).shape.map((_, dim) => sharded([dim, dim, dim, dim], [dim, dim, dim])),
    // Step and learning rate change with every call and decide nothing.
    attrsKey: () => "",
  },
];
