/**
 * GPT-2's settings, from and to Hugging Face's names.
 *
 * @packageDocumentation
 */
import type { GPTOptions } from "../nn/gpt.ts";
import type { HuggingFaceConfig } from "./config.ts";
import { Settings } from "./settings.ts";

/**
 * Options of a `GPT`, or `parallelGPT`, that computes what the model with this `config.json` does.
 *
 * | config                            | option            |
 * | --------------------------------- | ----------------- |
 * | `vocab_size`, `n_positions`       | `vocabSize`, `contextLength` |
 * | `n_embd`, `n_head`, `n_layer`     | `features`, `heads`, `layers` |
 * | `n_inner`, else `4 n_embd`        | `mlpFeatures`     |
 * | `layer_norm_epsilon`, else 1e-5   | `epsilon`         |
 * | `tie_word_embeddings`, else true  | `tiedEmbeddings`  |
 *
 * Dropout rates (`resid_pdrop`, `embd_pdrop`, `attn_pdrop`) matter in training only and are not taken over: add `dropout`.
 *
 * @example
 * ```ts
 * const model = new GPT(gptOptionsFromConfig(readHuggingFaceConfig("models/gpt2")));
 * ```
 * @throws ContractError that lists every setting that is missing, wrong, or not one that `GPT` can compute.
 */
export function gptOptionsFromConfig(config: HuggingFaceConfig): GPTOptions {
  const settings = new Settings("gptOptionsFromConfig", config);
  const features = settings.size("n_embd");
  const options: GPTOptions = {
    vocabSize: settings.size("vocab_size"),
    contextLength: settings.size("n_positions"),
    features,
    heads: settings.size("n_head"),
    layers: settings.size("n_layer"),
    mlpFeatures: settings.size("n_inner", 4 * features),
    epsilon: settings.positive("layer_norm_epsilon", 1e-5),
    tiedEmbeddings: settings.flag("tie_word_embeddings", true),
  };
  requireSupported(settings);
  settings.finish();
  return options;
}

function requireSupported(settings: Settings): void {
  if (settings.get("model_type") !== "gpt2") {
    settings.refuse("model_type", 'must be "gpt2"; use llamaOptionsFromConfig for "llama"');
  }
  settings.require("activation_function", ["gelu_new", "gelu_pytorch_tanh"], "GPT has GELU in its tanh form");
  settings.require("scale_attn_weights", [true], "GPT divides scores by sqrt(head features)");
  settings.require("scale_attn_by_inverse_layer_idx", [false], "GPT scales all blocks alike");
  settings.require("add_cross_attention", [false], "GPT has a decoder alone");
  settings.require("quantization_config", [null], "weights are read as floats");
}

/**
 * The `config.json` of a GPT with these options, for `saveHuggingFace`.
 *
 * @example
 * ```ts
 * saveHuggingFace(model, "export", { config: configFromGPTOptions(options), group: world.group });
 * ```
 */
export function configFromGPTOptions(options: Omit<GPTOptions, "parts">): HuggingFaceConfig {
  const { vocabSize, contextLength, features, heads, layers, mlpFeatures, dropout } = options;
  const { epsilon = 1e-5, tiedEmbeddings = false } = options;
  const rate = dropout?.rate ?? 0;
  return {
    architectures: ["GPT2LMHeadModel"],
    model_type: "gpt2",
    vocab_size: vocabSize,
    n_positions: contextLength,
    n_embd: features,
    n_head: heads,
    n_layer: layers,
    n_inner: mlpFeatures ?? null,
    activation_function: "gelu_new",
    layer_norm_epsilon: epsilon,
    tie_word_embeddings: tiedEmbeddings,
    ...{ resid_pdrop: rate, embd_pdrop: rate, attn_pdrop: 0 },
    ...{ bos_token_id: null, eos_token_id: null },
  };
}
