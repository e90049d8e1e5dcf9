/**
 * Mixtral 8x7B.
 *
 * @packageDocumentation
 */
import type { MoELlamaOptions } from "../moe-llama.ts";

/**
 * Mixtral 8x7B: 8 SwiGLU experts in every block, 2 per token, softmax over the two. 46.7 billion parameters, of which
 * 12.9 act on a token.
 *
 * The coefficient of the balance loss is `router_aux_loss_coef` (0.02) of its config: transformers multiplies the loss by K
 * and averages it over the 32 blocks, and here those of all blocks add up.
 *
 * @example
 * ```ts
 * const model = moeLlama({ ...MIXTRAL_8X7B, layers: 2, parallel: { mesh, expertAxis: "ep" } });
 * ```
 * @see Jiang et al. 2024, "Mixtral of experts", table 1, https://arxiv.org/abs/2401.04088
 */
export const MIXTRAL_8X7B = {
  vocabSize: 32_000,
  contextLength: 32_768,
  features: 4096,
  heads: 32,
  keyValueHeads: 8,
  layers: 32,
  mlpFeatures: 14_336,
  rotary: { theta: 1e6 },
  epsilon: 1e-5,
  moe: { numExperts: 8, topK: 2, balance: { loss: (0.02 * 2) / 32 } },
} as const satisfies MoELlamaOptions;
