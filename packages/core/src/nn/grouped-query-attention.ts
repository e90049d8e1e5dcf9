/**
 * Causal self-attention in which groups of query heads share a key and value head, with rotary positions.
 *
 * Legend: B = sequences, T = query positions, S = key positions, D = features, H = query heads, K = key and value heads,
 * G = H / K query heads per group, Dh = features of a head.
 *
 * @packageDocumentation
 */
import { matMul, range, reshape, tidy, type Tensor } from "@tensorflow/tfjs";
import { ContractError } from "../errors.ts";
import { causalSoftmax } from "../kernels/causal-softmax.ts";
import { joinHeads, splitHeads } from "./heads.ts";
import { Linear, type CreateLinear } from "./linear.ts";
import type { Module } from "./module.ts";
import type { Initializer } from "./parameter.ts";
import { RotaryEmbedding, type RotaryOptions } from "./rotary.ts";
import { requireFeatures, requireSizes } from "./size-check.ts";

/** Causal attention of queries `[B, H, T, Dh]` to keys and values `[B, K, S, Dh]`; gives `[B, H, T, Dh]`. */
export type Attend = (q: Tensor, keysAndValues: { readonly k: Tensor; readonly v: Tensor }) => Tensor;

/** Sizes, initial values and replaceable parts of a grouped-query attention module. */
export interface GroupedQueryAttentionOptions {
  readonly features: number;
  /** Query heads. */
  readonly heads: number;
  /** Must divide `heads`. Default `heads`: every query head has its own. */
  readonly keyValueHeads?: number;
  /** Default `features / heads`. Must be even. */
  readonly headFeatures?: number;
  readonly rotary?: RotaryOptions;
  /** Of all four projections. Default false. */
  readonly bias?: boolean;
  /** Of the query, key and value weights. Default: that of `Linear`. */
  readonly initializer?: Initializer;
  /** Of the out weight. Default: `initializer`. */
  readonly outInitializer?: Initializer;
  /** Makes query, key and value: their output features are whole heads. Default: `Linear`. */
  readonly columnLinear?: CreateLinear;
  /** Makes the out projection. Default: `Linear`. */
  readonly rowLinear?: CreateLinear;
  /** Default: `groupedCausalAttention`. */
  readonly attend?: Attend;
}

/**
 * `softmax(q k^T / sqrt(Dh), causal) v` per query head, where query head `h` reads key and value head `floor(h / G)`.
 *
 * The heads of a group are folded into the rows of one product, so keys and values are never repeated.
 *
 * @param q - `[B, H, T, Dh]`
 * @param keysAndValues - `k` and `v`, `[B, K, S, Dh]` with S at least T and K dividing H
 * @returns `[B, H, T, Dh]`; the caller's scope owns it
 * @see Ainslie et al. 2023, "GQA: training generalized multi-query transformer models", section 2.2,
 * https://arxiv.org/abs/2305.13245
 */
export const groupedCausalAttention: Attend = (q, { k, v }) => {
  const [batch, heads, positions, headFeatures] = q.shape as [number, number, number, number];
  const [, groups, keys] = k.shape as [number, number, number];
  const rows = (heads / groups) * positions; // G T
  const scale = 1 / Math.sqrt(headFeatures);
  return tidy(() => {
    const folded = reshape(q, [batch, groups, rows, headFeatures]); // [B, H, T, Dh] -> [B, K, G T, Dh]
    const scores = matMul(folded, k, false, true); // [B, K, G T, Dh] x [B, K, Dh, S] -> [B, K, G T, S]
    const weights = causalSoftmax(reshape(scores, [batch, heads, positions, keys]), { scale });
    const mixed = matMul(reshape(weights, [batch, groups, rows, keys]), v); // x [B, K, S, Dh] -> [B, K, G T, Dh]
    return reshape(mixed, [batch, heads, positions, headFeatures]); // -> [B, H, T, Dh]
  });
};

/**
 * Grouped-query self-attention with rotary positions, in which a position sees itself and what lies before it.
 *
 * | parameter      | shape       |
 * | -------------- | ----------- |
 * | `query.weight` | `[D, H Dh]` |
 * | `key.weight`   | `[D, K Dh]` |
 * | `value.weight` | `[D, K Dh]` |
 * | `out.weight`   | `[H Dh, D]` |
 *
 * @see Ainslie et al. 2023, "GQA", https://arxiv.org/abs/2305.13245
 */
export class GroupedQueryAttention implements Module {
  readonly query: Module;
  readonly key: Module;
  readonly value: Module;
  readonly out: Module;
  readonly features: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly rotary: RotaryEmbedding;
  readonly #attend: Attend;

  /**
   * @throws ContractError if a size is not a positive integer, `keyValueHeads` does not divide `heads`, or the features
   * of a head are odd or not whole.
   */
  constructor(options: GroupedQueryAttentionOptions) {
    const { features, heads, keyValueHeads = heads, rotary, bias = false } = options;
    const { initializer, outInitializer = initializer, attend = groupedCausalAttention } = options;
    const { columnLinear = (o) => new Linear(o), rowLinear = (o) => new Linear(o) } = options;
    requireSizes("GroupedQueryAttention", { features, heads, keyValueHeads });
    requireGroups(heads, keyValueHeads);
    const headFeatures = options.headFeatures ?? wholeHeadFeatures(features, heads);
    this.rotary = new RotaryEmbedding({ headFeatures, ...rotary });
    this.features = features;
    this.heads = heads;
    this.keyValueHeads = keyValueHeads;
    this.#attend = attend;
    const into = (numHeads: number): Module =>
      columnLinear({
        ...{ inFeatures: features, outFeatures: numHeads * headFeatures, bias },
        ...(initializer && { initializer }),
      });
    this.query = into(heads);
    this.key = into(keyValueHeads);
    this.value = into(keyValueHeads);
    this.out = rowLinear({
      ...{ inFeatures: heads * headFeatures, outFeatures: features, bias },
      ...(outInitializer && { initializer: outInitializer }),
    });
  }

  /**
   * @param x - `[B, T, D]`
   * @param positions - `[T]` int32; default `0..T-1`
   * @returns `[B, T, D]`; the caller's scope owns it
   * @throws ContractError if `x` is not of shape `[B, T, D]`.
   */
  apply(x: Tensor, positions?: Tensor): Tensor {
    requireFeatures("GroupedQueryAttention", x, this.features);
    if (x.rank !== 3) {
      throw new ContractError(
        `GroupedQueryAttention: input (shape [${x.shape.join(", ")}]) must have shape [B, T, D]; use tf.expandDims for a single sequence.`,
      );
    }
    return tidy(() => {
      const at = positions ?? range(0, x.shape[1]!, 1, "int32");
      const q = this.rotary.apply(splitHeads(this.query.apply(x), this.heads), at);
      const k = this.rotary.apply(splitHeads(this.key.apply(x), this.keyValueHeads), at);
      const v = splitHeads(this.value.apply(x), this.keyValueHeads);
      return this.out.apply(joinHeads(this.#attend(q, { k, v })));
    });
  }
}

function requireGroups(heads: number, keyValueHeads: number): void {
  if (heads % keyValueHeads === 0) return;
  throw new ContractError(
    `GroupedQueryAttention: heads (${heads}) must be a multiple of keyValueHeads (${keyValueHeads}); use for example heads: ${keyValueHeads * Math.ceil(heads / keyValueHeads)}.`,
  );
}

function wholeHeadFeatures(features: number, heads: number): number {
  if (features % heads === 0) return features / heads;
  throw new ContractError(
    `GroupedQueryAttention: features (${features}) must be a multiple of heads (${heads}); use for example features: ${heads * Math.ceil(features / heads)}, or set headFeatures.`,
  );
}
