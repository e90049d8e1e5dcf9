import { describe, expect, test } from "vitest";
import { ContractError } from "../errors.ts";
import { configFromLlamaOptions, llamaOptionsFromConfig } from "./llama-config.ts";

const SIZES = {
  ...{
    model_type: "llama",
    vocab_size: 37,
    max_position_embeddings: 16,
    hidden_size: 24,
    intermediate_size: 40,
  },
  ...{ num_hidden_layers: 2, num_attention_heads: 4 },
};
const OPTIONS = {
  ...{ vocabSize: 37, contextLength: 16, features: 24, heads: 4, layers: 2, mlpFeatures: 40 },
  ...{ keyValueHeads: 4, headFeatures: 6, epsilon: 1e-6, tiedEmbeddings: false, rotary: { theta: 10_000 } },
};
const FACTORS = {
  ...{ factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 },
};
const SCALING = {
  ...{ factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContextLength: 64 },
};

describe("llamaOptionsFromConfig", () => {
  test("takes sizes, and Llama's defaults for what is left out or null", () => {
    expect(llamaOptionsFromConfig({ ...SIZES, rope_scaling: null, head_dim: null })).toEqual(OPTIONS);
    const own = { num_key_value_heads: 2, head_dim: 10, rms_norm_eps: 1e-3, tie_word_embeddings: true };
    expect(llamaOptionsFromConfig({ ...SIZES, ...own })).toEqual({
      ...OPTIONS,
      ...{ keyValueHeads: 2, headFeatures: 10, epsilon: 1e-3, tiedEmbeddings: true },
    });
  });

  test.each([
    ["transformers 4", { rope_theta: 500, rope_scaling: { rope_type: "llama3", ...FACTORS } }],
    ["transformers before 4.43", { rope_theta: 500, rope_scaling: { type: "llama3", ...FACTORS } }],
    ["transformers 5", { rope_parameters: { rope_type: "llama3", rope_theta: 500, ...FACTORS } }],
  ])("takes a stretched context as %s writes it", (_version, config) => {
    expect(llamaOptionsFromConfig({ ...SIZES, ...config }).rotary).toEqual({ theta: 500, scaling: SCALING });
  });

  test("takes positions that are not stretched, in both forms", () => {
    const plain = { rope_parameters: { rope_type: "default", rope_theta: 500 } };
    expect(llamaOptionsFromConfig({ ...SIZES, ...plain }).rotary).toEqual({ theta: 500 });
    expect(llamaOptionsFromConfig({ ...SIZES, rope_theta: 300 }).rotary).toEqual({ theta: 300 });
  });

  test("lists every setting that Llama has not", () => {
    const config = {
      ...{ ...SIZES, model_type: "mistral", hidden_size: null, hidden_act: "gelu" },
      ...{ attention_bias: true, mlp_bias: true, rope_scaling: { type: "linear", factor: 2 } },
    };
    expect(() => llamaOptionsFromConfig(config)).toThrow(
      new ContractError(
        [
          "llamaOptionsFromConfig: config must describe a model that Meshwright computes alike:",
          '- model_type ("mistral") must be "llama"; use gptOptionsFromConfig for "gpt2".',
          "- hidden_size (null) must be a positive integer; use the config.json that transformers wrote.",
          '- rope_scaling ({"type":"linear","factor":2}) must be left out, or of type "default" or "llama3" with all its factors, as Llama stretches contexts in no other way; use a model with that setting.',
          '- hidden_act ("gelu") must be "silu" or "swish", as Llama has SwiGLU; use a model with that setting.',
          "- attention_bias (true) must be false, as Llama has no biases; use a model with that setting.",
          "- mlp_bias (true) must be false, as Llama has no biases; use a model with that setting.",
        ].join("\n"),
      ),
    );
    const incomplete = { ...FACTORS, factor: null };
    for (const wrong of [
      { rope_parameters: { rope_type: "llama3", rope_theta: 500, ...incomplete } },
      { rope_parameters: { rope_type: "default", rope_theta: 0 } },
      { rope_theta: -1 },
    ]) {
      expect(() => llamaOptionsFromConfig({ ...SIZES, ...wrong })).toThrow(ContractError);
    }
  });

  test("is the inverse of configFromLlamaOptions", () => {
    for (const rotary of [{ theta: 500 }, { theta: 500, scaling: SCALING }]) {
      const options = { ...OPTIONS, keyValueHeads: 2, headFeatures: 10, tiedEmbeddings: true, rotary };
      expect(llamaOptionsFromConfig(configFromLlamaOptions(options))).toEqual(options);
    }
    const sizes = { vocabSize: 5, contextLength: 4, features: 6, heads: 3, layers: 1 };
    expect(llamaOptionsFromConfig(configFromLlamaOptions(sizes))).toEqual({
      ...sizes,
      ...{ keyValueHeads: 3, headFeatures: 2, mlpFeatures: 16, epsilon: 1e-5, tiedEmbeddings: false },
      rotary: { theta: 10_000 },
    });
  });
});
