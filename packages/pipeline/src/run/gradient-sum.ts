/**
 * Adds up the gradients of micro-batches.
 *
 * @packageDocumentation
 */
import type { NamedGradients } from "@meshwright/core";
import { add, type Tensor } from "@tensorflow/tfjs";

/** Sums by parameter name. Partial sums stay partial, so that a reduction over data-parallel ranks happens once. */
export class GradientSum {
  readonly #sums = new Map<string, Tensor>();

  /** Takes ownership. */
  add(gradients: NamedGradients): void {
    for (const [name, gradient] of gradients) {
      const sum = this.#sums.get(name);
      this.#sums.set(name, sum === undefined ? gradient : add(sum, gradient));
      if (sum === undefined) continue;
      sum.dispose();
      gradient.dispose();
    }
  }

  /** Gives ownership. */
  take(): ReadonlyMap<string, Tensor> {
    const sums = new Map(this.#sums);
    this.#sums.clear();
    return sums;
  }

  dispose(): void {
    for (const sum of this.take().values()) sum.dispose();
  }
}
