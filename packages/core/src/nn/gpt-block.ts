/**
 * A pre-norm transformer block.
 *
 * Legend: B = sequences, T = positions, D = features.
 *
 * @packageDocumentation
 */
import { add, tidy, type Tensor } from "@tensorflow/tfjs";
import { CausalSelfAttention } from "./attention.ts";
import type { DropoutOptions } from "./dropout.ts";
import type { GPTParts } from "./gpt-parts.ts";
import type { Module } from "./module.ts";
import type { Initializer } from "./parameter.ts";

/** Sizes, initial values and layers of a block. */
export interface GPTBlockOptions {
  readonly features: number;
  readonly heads: number;
  readonly mlpFeatures: number;
  /** Of the norms. Default: that of the norm. */
  readonly epsilon?: number;
  readonly initializer: Initializer;
  /** Of the weights that end a residual branch. */
  readonly residualInitializer: Initializer;
  readonly dropout?: DropoutOptions;
  /** Number of the block in its model, from 0. */
  readonly index?: number;
  readonly parts: GPTParts;
}

/** `h = x + attention(norm1(x)); y = h + mlp(norm2(h))`, with dropout on both branches where asked for. */
export class GPTBlock implements Module {
  readonly norm1: Module;
  readonly attention: Module;
  readonly norm2: Module;
  readonly mlp: Module;
  readonly dropout: Module | undefined;

  /** @throws ContractError if `heads` does not divide `features`. */
  constructor(options: GPTBlockOptions) {
    const { features, heads, mlpFeatures, epsilon, initializer, residualInitializer } = options;
    const { dropout, index, parts } = options;
    const { columnLinear, rowLinear, attend } = parts;
    const norm = { features, ...(epsilon !== undefined && { epsilon }) };
    this.norm1 = parts.norm(norm);
    this.attention = new CausalSelfAttention({
      ...{ features, heads, initializer, columnLinear, rowLinear, attend },
      outInitializer: residualInitializer,
    });
    this.norm2 = parts.norm(norm);
    this.mlp = parts.mlp({
      ...{ features, hiddenFeatures: mlpFeatures, initializer, columnLinear, rowLinear },
      downInitializer: residualInitializer,
      ...(index !== undefined && { block: index }),
    });
    this.dropout = dropout && parts.dropout(dropout);
  }

  /**
   * @param x - `[B, T, D]`
   * @returns `[B, T, D]`; the caller's scope owns it
   */
  apply(x: Tensor): Tensor {
    return tidy(() => {
      const h = add(x, this.#drop(this.attention.apply(this.norm1.apply(x))));
      return add(h, this.#drop(this.mlp.apply(this.norm2.apply(h))));
    });
  }

  #drop(branch: Tensor): Tensor {
    return this.dropout === undefined ? branch : this.dropout.apply(branch);
  }
}
