/**
 * The dropout layer.
 *
 * @packageDocumentation
 */
import type { Tensor } from "@tensorflow/tfjs";
import { nextCallIndex } from "../autograd/call-index.ts";
import { dropout, requireRate } from "../kernels/dropout.ts";
import { philoxKey } from "../random/key.ts";
import type { Module } from "./module.ts";

/** A dropout layer's rate and random stream. */
export interface DropoutOptions {
  /** Share of elements that become zero, in `[0, 1)`. */
  readonly rate: number;
  readonly seed: number;
  /** Tells the masks of a model's dropout layers apart; for example `"blocks.0.dropout"`. */
  readonly name: string;
}

/** Makes a dropout layer. */
export type CreateDropout = (options: DropoutOptions) => Module;

/**
 * Zeroes a share `rate` of the elements while `training`, and scales the rest by `1 / (1 - rate)`.
 *
 * The mask is a function of (seed, name, callIndex, global element index): each call has a new one, and it is the same
 * on every mesh. A `checkpoint` that recomputes a call gives it its first `callIndex` again.
 */
export class Dropout implements Module {
  readonly rate: number;
  readonly seed: number;
  readonly name: string;
  /** Whether elements are dropped; `setTraining` sets it for a whole model. */
  training = true;
  /** Number of the next call that drops elements. */
  callIndex = 0;

  /** @throws ContractError if the rate is outside `[0, 1)` or the seed is not an integer in `[0, 2^53)`. */
  constructor({ rate, seed, name }: DropoutOptions) {
    requireRate("Dropout", rate);
    philoxKey({ seed, name });
    this.rate = rate;
    this.seed = seed;
    this.name = name;
  }

  /**
   * @param x - any shape
   * @returns a new tensor of the shape of `x`; the caller's scope owns it
   */
  apply(x: Tensor): Tensor {
    if (!this.training || this.rate === 0) return x.clone();
    const key = philoxKey({ seed: this.seed, name: `${this.name}#${nextCallIndex(this)}` });
    return dropout(x, { rate: this.rate, key });
  }
}
