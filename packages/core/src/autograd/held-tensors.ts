/**
 * The tensors that a pullback holds, with the number of reasons for each.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import { giveToScope, keep } from "./engine-tape.ts";

/**
 * Counts reasons to hold a tensor, and disposes it with the last one. A gradient may be the same tensor as another
 * gradient, or as something saved, so that "who disposes it" has no other simple answer.
 */
export class HeldTensors {
  readonly #reasons = new Map<Tensor, number>();

  tensors(): readonly Tensor[] {
    return [...this.#reasons.keys()];
  }

  /** Adds a reason, taking ownership of a tensor that was not held. */
  hold(tensor: Tensor): void {
    const reasons = this.#reasons.get(tensor);
    if (reasons === undefined) keep(tensor);
    this.#reasons.set(tensor, (reasons ?? 0) + 1);
  }

  /** Like `hold`, but of a clone if the tensor is neither held nor made since `firstNewId`: someone else owns it. */
  adopt(tensor: Tensor, firstNewId: number): Tensor {
    const owned = tensor.id >= firstNewId || this.#reasons.has(tensor) ? tensor : tensor.clone();
    this.hold(owned);
    return owned;
  }

  /** Drops a reason. */
  release(tensor: Tensor): void {
    if (!this.#drop(tensor)) tensor.dispose();
  }

  /** Drops a reason, and gives the tensor, or a clone if reasons are left, to the active scope. */
  give(tensor: Tensor): Tensor {
    return this.#drop(tensor) ? tensor.clone() : giveToScope(tensor);
  }

  /** Disposes everything. */
  clear(): void {
    for (const tensor of this.#reasons.keys()) tensor.dispose();
    this.#reasons.clear();
  }

  /** Whether reasons are left. */
  #drop(tensor: Tensor): boolean {
    const left = this.#reasons.get(tensor)! - 1;
    if (left > 0) this.#reasons.set(tensor, left);
    else this.#reasons.delete(tensor);
    return left > 0;
  }
}
