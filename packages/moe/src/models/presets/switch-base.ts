/**
 * Switch-Base with 128 experts.
 *
 * @packageDocumentation
 */
import type { GPTOptions } from "@meshwright/core";
import type { MoEModelOptions } from "../moe-model-options.ts";

/**
 * The sizes and routing of Switch-Base: 128 experts in every other block, one per token, weighted by its softmax share,
 * capacity 1.25, input jitter 0.01. 7.4 billion parameters.
 *
 * Switch-Base is a T5: 12 blocks of an encoder and 12 of a decoder. Here its 24 blocks are a decoder-only GPT, so there is
 * no attention from decoder to encoder (0.03 billion parameters), and experts have GELU for ReLU.
 *
 * @example
 * ```ts
 * const model = moeGPT({ ...SWITCH_BASE, layers: 2 });
 * ```
 * @see Fedus, Zoph, Shazeer 2022, "Switch transformers", sections 2.2 and 2.4 and table 9,
 * https://arxiv.org/abs/2101.03961; sizes: google/switch-base-128
 */
export const SWITCH_BASE = {
  vocabSize: 32_128,
  contextLength: 512,
  features: 768,
  heads: 12,
  layers: 24,
  mlpFeatures: 3072,
  tiedEmbeddings: true,
  moe: {
    ...{ numExperts: 128, topK: 1, everyNth: 2, seed: 0 },
    router: { order: "scoreFirst", jitter: 0.01 },
    capacity: { factor: 1.25 },
    balance: { loss: 0.01 },
  },
} as const satisfies GPTOptions & MoEModelOptions;
