/**
 * Tensors that one action of a rank leaves for a later one.
 *
 * @packageDocumentation
 */
import { InternalError } from "@meshwright/core";
import type { Tensor } from "@tensorflow/tfjs";
import type { StageMessage } from "../communication.ts";

/** For whom a tensor is: a stage and one of its micro-batches. */
export type Address = Pick<StageMessage, "payload" | "stage" | "microBatch">;

/** Owns what lies in it. */
export class StageMail {
  readonly #tensors = new Map<string, Tensor>();

  /** Takes ownership. */
  put(address: Address, t: Tensor): void {
    this.#tensors.set(keyOf(address), t);
  }

  /** Gives ownership. */
  take(address: Address): Tensor {
    const key = keyOf(address);
    const found = this.#tensors.get(key);
    if (found === undefined) throw new InternalError(`nothing lies here for ${key}`);
    this.#tensors.delete(key);
    return found;
  }

  dispose(): void {
    for (const t of this.#tensors.values()) t.dispose();
    this.#tensors.clear();
  }
}

function keyOf({ payload, stage, microBatch }: Address): string {
  return `${payload} ${microBatch} of stage ${stage}`;
}
