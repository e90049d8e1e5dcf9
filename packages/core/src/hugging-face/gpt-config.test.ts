import { describe, expect, test } from "vitest";
import { ContractError } from "../errors.ts";
import { configFromGPTOptions, gptOptionsFromConfig } from "./gpt-config.ts";

const SIZES = { model_type: "gpt2", vocab_size: 37, n_positions: 16, n_embd: 24, n_head: 3, n_layer: 2 };

describe("gptOptionsFromConfig", () => {
  test("takes sizes, and GPT-2's defaults for what is left out or null", () => {
    const options = { vocabSize: 37, contextLength: 16, features: 24, heads: 3, layers: 2 };
    expect(gptOptionsFromConfig({ ...SIZES, n_inner: null })).toEqual({
      ...options,
      ...{ mlpFeatures: 96, epsilon: 1e-5, tiedEmbeddings: true },
    });
    const own = { n_inner: 50, layer_norm_epsilon: 1e-3, tie_word_embeddings: false };
    expect(gptOptionsFromConfig({ ...SIZES, ...own })).toEqual({
      ...options,
      ...{ mlpFeatures: 50, epsilon: 1e-3, tiedEmbeddings: false },
    });
  });

  test("lists every setting that GPT has not", () => {
    const config = {
      ...{
        ...SIZES,
        model_type: "llama",
        n_head: 0,
        activation_function: "relu",
        layer_norm_epsilon: "small",
      },
      ...{ scale_attn_weights: false, scale_attn_by_inverse_layer_idx: true, add_cross_attention: true },
      ...{ quantization_config: { bits: 4 }, tie_word_embeddings: 1 },
    };
    expect(() => gptOptionsFromConfig(config)).toThrow(
      new ContractError(
        [
          "gptOptionsFromConfig: config must describe a model that Meshwright computes alike:",
          "- n_head (0) must be a positive integer; use the config.json that transformers wrote.",
          '- layer_norm_epsilon ("small") must be a number above 0; use the config.json that transformers wrote.',
          "- tie_word_embeddings (1) must be true or false; use the config.json that transformers wrote.",
          '- model_type ("llama") must be "gpt2"; use llamaOptionsFromConfig for "llama".',
          '- activation_function ("relu") must be "gelu_new" or "gelu_pytorch_tanh", as GPT has GELU in its tanh form; use a model with that setting.',
          "- scale_attn_weights (false) must be true, as GPT divides scores by sqrt(head features); use a model with that setting.",
          "- scale_attn_by_inverse_layer_idx (true) must be false, as GPT scales all blocks alike; use a model with that setting.",
          "- add_cross_attention (true) must be false, as GPT has a decoder alone; use a model with that setting.",
          '- quantization_config ({"bits":4}) must be null, as weights are read as floats; use a model with that setting.',
        ].join("\n"),
      ),
    );
    expect(() => gptOptionsFromConfig({})).toThrow("- n_embd (left out) must be a positive integer");
  });

  test("is the inverse of configFromGPTOptions", () => {
    const options = {
      ...{ vocabSize: 37, contextLength: 16, features: 24, heads: 3, layers: 2 },
      ...{ mlpFeatures: 50, epsilon: 1e-3, tiedEmbeddings: false },
    };
    expect(gptOptionsFromConfig(configFromGPTOptions(options))).toEqual(options);
    const { mlpFeatures, epsilon, tiedEmbeddings, ...sizes } = gptOptionsFromConfig(
      configFromGPTOptions({ vocabSize: 5, contextLength: 4, features: 6, heads: 2, layers: 1 }),
    );
    expect([mlpFeatures, epsilon, tiedEmbeddings, sizes.features]).toEqual([24, 1e-5, false, 6]);
  });
});
