/**
 * DeepSeek-V3.
 *
 * @packageDocumentation
 */
import type { MoELlamaOptions } from "../moe-llama.ts";

/**
 * The sizes and experts of DeepSeek-V3: after three dense blocks 256 small SwiGLU experts and a shared one, 8 per token out
 * of 4 of 8 groups, sigmoid scores divided by their sum and scaled by 2.5, balanced by a bias, with a small loss per sequence.
 *
 * Its attention is not built: DeepSeek-V3 has multi-head latent attention, this has plain multi-head attention of 128 heads,
 * which has 0.47 billion parameters per block where that has 0.19 (see `latentAttentionParameters`). The extra block for the
 * prediction of two tokens is left out. With latent attention it has 671 billion parameters, of which 37 act on a token.
 *
 * @example
 * ```ts
 * const model = moeLlama({ ...DEEPSEEK_V3, layers: 4, parallel: { mesh, expertAxis: "ep" } });
 * ```
 * @see DeepSeek-AI 2024, "DeepSeek-V3", sections 2.1.2 and 4.2, https://arxiv.org/abs/2412.19437
 */
export const DEEPSEEK_V3 = {
  vocabSize: 129_280,
  contextLength: 4096,
  features: 7168,
  heads: 128,
  headFeatures: 128,
  layers: 61,
  mlpFeatures: 18_432,
  rotary: { theta: 1e4 },
  epsilon: 1e-6,
  moe: {
    ...{ numExperts: 256, topK: 8, hidden: 2048, firstDense: 3, sharedExperts: { hidden: 2048 } },
    router: { scoreFunction: "sigmoid", scalingFactor: 2.5, groups: { count: 8, perToken: 4 } },
    balance: { biasRate: 0.001, sequenceLoss: 0.0001 },
  },
} as const satisfies MoELlamaOptions;

/** Sizes of multi-head latent attention. */
export interface LatentAttention {
  readonly features: number;
  readonly heads: number;
  /** Features that queries are compressed to. */
  readonly queryRank: number;
  /** Features that keys and values are compressed to. */
  readonly keyValueRank: number;
  /** Of a head's query and key, without position. */
  readonly headFeatures: number;
  /** Of a head's query, and of the key that all heads share, with rotary position. */
  readonly rotaryFeatures: number;
  /** Of a head's value. */
  readonly valueFeatures: number;
}

/** The attention of DeepSeek-V3's blocks. */
export const DEEPSEEK_V3_ATTENTION: LatentAttention = {
  ...{ features: 7168, heads: 128, queryRank: 1536, keyValueRank: 512 },
  ...{ headFeatures: 128, rotaryFeatures: 64, valueFeatures: 128 },
};

/**
 * Parameters of a block's latent attention, its two norms included.
 *
 * @see DeepSeek-AI 2024, "DeepSeek-V3", section 2.1.1, https://arxiv.org/abs/2412.19437
 */
export function latentAttentionParameters(sizes: LatentAttention): number {
  const { features, heads, queryRank, keyValueRank, headFeatures, rotaryFeatures, valueFeatures } = sizes;
  const query = queryRank * (features + 1 + heads * (headFeatures + rotaryFeatures));
  const keyValue = keyValueRank * (features + 1 + heads * (headFeatures + valueFeatures));
  return query + keyValue + features * rotaryFeatures + heads * valueFeatures * features;
}
