/**
 * Adds up the gradients of several passes.
 *
 * @packageDocumentation
 */
import { add, keep, type Tensor } from "@tensorflow/tfjs";
import type { NamedGradients } from "./gradients.ts";

/**
 * Sums by parameter name. On the `sharded` backend partial sums are added locally and stay partial: no communication, and
 * the reduction over data-parallel ranks happens once, after the last pass.
 *
 * @example
 * ```ts
 * const sum = new GradientAccumulator();
 * for (const lossFn of lossFns) sum.add(gradients(model, lossFn).grads);
 * const grads = sum.take();
 * ```
 */
export class GradientAccumulator {
  readonly #sums = new Map<string, Tensor>();

  /** Takes ownership of the gradients. A parameter may be missing in some passes. */
  add(grads: NamedGradients): void {
    for (const [name, gradient] of grads) {
      const before = this.#sums.get(name);
      this.#sums.set(name, keep(before === undefined ? gradient : add(before, gradient)));
      if (before === undefined) continue;
      before.dispose();
      gradient.dispose();
    }
  }

  /** The sums, which the caller then owns (and no scope disposes); the accumulator is empty afterwards. */
  take(): NamedGradients {
    const sums = new Map(this.#sums);
    this.#sums.clear();
    return sums;
  }

  /** Frees the sums. */
  dispose(): void {
    for (const sum of this.take().values()) sum.dispose();
  }
}
