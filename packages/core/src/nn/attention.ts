/**
 * Causal multi-head self-attention.
 *
 * Legend: B = sequences, T = query positions, S = key positions, D = features, H = heads, Dh = D / H.
 *
 * @packageDocumentation
 */
import { matMul, tidy, type Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { causalSoftmax } from "../kernels/causal-softmax.ts";
import type { Attend } from "./grouped-query-attention.ts";
import { joinHeads, splitHeads } from "./heads.ts";
import { Linear, type CreateLinear } from "./linear.ts";
import type { Module } from "./module.ts";
import type { Initializer } from "./parameter.ts";
import { requireFeatures, requireSizes } from "./size-check.ts";

/** Sizes, initial values and replaceable layers of an attention module. */
export interface CausalSelfAttentionOptions {
  readonly features: number;
  /** Must divide `features`. */
  readonly heads: number;
  /** Of all four projections. Default true. */
  readonly bias?: boolean;
  /** Of the query, key and value weights. Default: that of `Linear`. */
  readonly initializer?: Initializer;
  /** Of the out weight. Default: `initializer`. */
  readonly outInitializer?: Initializer;
  /** Makes query, key and value: their output features are whole heads. Default: `Linear`. */
  readonly columnLinear?: CreateLinear;
  /** Makes the out projection. Default: `Linear`. */
  readonly rowLinear?: CreateLinear;
  /** What attention does with queries, keys and values. Default: `causalAttention`. */
  readonly attend?: Attend;
}

/**
 * `softmax(q k^T / sqrt(Dh), causal) v`, per head.
 *
 * @param q - `[B, H, T, Dh]`
 * @param keysAndValues - `k` and `v`, `[B, H, S, Dh]` with S at least T; query `i` sees keys up to `i + S - T`
 * @returns `[B, H, T, Dh]`; the caller's scope owns it
 * @see Vaswani et al. 2017, "Attention is all you need", section 3.2, https://arxiv.org/abs/1706.03762
 */
export function causalAttention(q: Tensor, { k, v }: { readonly k: Tensor; readonly v: Tensor }): Tensor {
  const scale = 1 / Math.sqrt(q.shape.at(-1)!);
  return tidy(() => {
    const scores = matMul(q, k, false, true); // [B, H, T, Dh] x [B, H, Dh, S] -> [B, H, T, S]
    const weights = causalSoftmax(scores, { scale });
    return matMul(weights, v); // [B, H, T, S] x [B, H, S, Dh] -> [B, H, T, Dh]
  });
}

/**
 * Multi-head self-attention in which a position sees itself and what lies before it.
 *
 * The projections `query`, `key`, `value` and `out` are separate, each with `weight: [D, D]`, so that a split of the
 * first three by columns keeps heads whole.
 *
 * @see Vaswani et al. 2017, "Attention is all you need", section 3.2, https://arxiv.org/abs/1706.03762
 */
export class CausalSelfAttention implements Module {
  readonly query: Module;
  readonly key: Module;
  readonly value: Module;
  readonly out: Module;
  readonly features: number;
  readonly heads: number;
  readonly #attend: Attend;

  /** @throws ContractError if a size is not a positive integer or `heads` does not divide `features`. */
  constructor(options: CausalSelfAttentionOptions) {
    const { features, heads, bias = true, initializer, outInitializer = initializer } = options;
    const { columnLinear = (o) => new Linear(o), rowLinear = (o) => new Linear(o) } = options;
    requireSizes("CausalSelfAttention", { features, heads });
    if (features % heads !== 0) {
      throw new ContractError(
        `CausalSelfAttention: features (${features}) must be a multiple of heads (${heads}); use for example features: ${heads * Math.ceil(features / heads)}.`,
      );
    }
    const sizes = { inFeatures: features, outFeatures: features, bias };
    const projection = { ...sizes, ...(initializer && { initializer }) };
    this.features = features;
    this.heads = heads;
    this.#attend = options.attend ?? causalAttention;
    this.query = columnLinear(projection);
    this.key = columnLinear(projection);
    this.value = columnLinear(projection);
    this.out = rowLinear({ ...sizes, ...(outInitializer && { initializer: outInitializer }) });
  }

  /**
   * @param x - `[B, T, D]`
   * @returns `[B, T, D]`; the caller's scope owns it
   * @throws ContractError if `x` is not of shape `[B, T, D]`.
   */
  apply(x: Tensor): Tensor {
    requireFeatures("CausalSelfAttention", x, this.features);
    if (x.rank !== 3) {
      throw new ContractError(
        `CausalSelfAttention: input (shape [${x.shape.join(", ")}]) must have shape [B, T, D]; use tf.expandDims for a single sequence.`,
      );
    }
    return tidy(() => {
      const q = splitHeads(this.query.apply(x), this.heads);
      const k = splitHeads(this.key.apply(x), this.heads);
      const v = splitHeads(this.value.apply(x), this.heads);
      return this.out.apply(joinHeads(this.#attend(q, { k, v })));
    });
  }
}
