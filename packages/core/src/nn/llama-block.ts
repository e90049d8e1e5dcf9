/**
 * A Llama block.
 *
 * Legend: B = sequences, T = positions, D = features.
 *
 * @packageDocumentation
 */
import { add, tidy, type Tensor } from "@tensorflow/tfjs";
import { GroupedQueryAttention } from "./grouped-query-attention.ts";
import type { LlamaParts } from "./llama-parts.ts";
import type { Module } from "./module.ts";
import type { Initializer } from "./parameter.ts";
import type { RotaryOptions } from "./rotary.ts";

/** Sizes, initial values and layers of a block. */
export interface LlamaBlockOptions {
  readonly features: number;
  readonly heads: number;
  /** Must divide `heads`. Default `heads`. */
  readonly keyValueHeads?: number;
  /** Default `features / heads`. */
  readonly headFeatures?: number;
  readonly mlpFeatures: number;
  readonly rotary?: RotaryOptions;
  /** Of the norms. */
  readonly epsilon: number;
  readonly initializer: Initializer;
  /** Of the weights that end a residual branch. */
  readonly residualInitializer: Initializer;
  /** Number of the block in its model, from 0. */
  readonly index?: number;
  readonly parts: LlamaParts;
}

/** `h = x + attention(norm1(x)); y = h + mlp(norm2(h))`, without biases. */
export class LlamaBlock implements Module {
  readonly norm1: Module;
  readonly attention: GroupedQueryAttention;
  readonly norm2: Module;
  readonly mlp: Module;

  /** @throws ContractError as `GroupedQueryAttention`. */
  constructor(options: LlamaBlockOptions) {
    const { features, mlpFeatures, epsilon, initializer, residualInitializer, index, parts, ...sizes } =
      options;
    const { columnLinear, rowLinear, attend } = parts;
    const linears = { columnLinear, rowLinear, bias: false };
    this.norm1 = parts.norm({ features, epsilon });
    this.attention = new GroupedQueryAttention({
      ...{ ...sizes, features, initializer, ...linears, attend },
      outInitializer: residualInitializer,
    });
    this.norm2 = parts.norm({ features, epsilon });
    this.mlp = parts.mlp({
      ...{ features, hiddenFeatures: mlpFeatures, initializer, ...linears },
      downInitializer: residualInitializer,
      ...(index !== undefined && { block: index }),
    });
  }

  /**
   * @param x - `[B, T, D]`
   * @param positions - `[T]` int32; default `0..T-1`
   * @returns `[B, T, D]`; the caller's scope owns it
   */
  apply(x: Tensor, positions?: Tensor): Tensor {
    return tidy(() => {
      const h = add(x, this.attention.apply(this.norm1.apply(x), positions));
      return add(h, this.mlp.apply(this.norm2.apply(h)));
    });
  }
}
