/**
 * Llama's settings, from and to Hugging Face's names.
 *
 * @packageDocumentation
 */
import type { LlamaOptions } from "../nn/llama.ts";
import type { Llama3Scaling, RotaryOptions } from "../nn/rotary.ts";
import type { JsonValue } from "../checkpoint/checkpoint-index.ts";
import { isObject, type HuggingFaceConfig } from "./config.ts";
import { Settings } from "./settings.ts";

const WHERE = "llamaOptionsFromConfig";
const DEFAULT_THETA = 10_000;

/**
 * Options of a `Llama`, or `parallelLlama`, that computes what the model with this `config.json` does.
 *
 * | config                                          | option                       |
 * | ----------------------------------------------- | ---------------------------- |
 * | `vocab_size`, `max_position_embeddings`         | `vocabSize`, `contextLength` |
 * | `hidden_size`, `num_hidden_layers`              | `features`, `layers`         |
 * | `num_attention_heads`, `num_key_value_heads`    | `heads`, `keyValueHeads`     |
 * | `head_dim`, `intermediate_size`                 | `headFeatures`, `mlpFeatures` |
 * | `rms_norm_eps`, else 1e-6                       | `epsilon`                    |
 * | `rope_theta`, else 10,000                       | `rotary.theta`               |
 * | `rope_scaling` of type `llama3`                 | `rotary.scaling`             |
 * | `tie_word_embeddings`, else false               | `tiedEmbeddings`             |
 *
 * `rope_theta` and `rope_scaling` may stand in `rope_parameters`, as transformers 5 writes them.
 *
 * @example
 * ```ts
 * const options = llamaOptionsFromConfig(readHuggingFaceConfig("models/llama"));
 * const model = parallelLlama({ mesh, axis: "tp", ...options });
 * ```
 * @throws ContractError that lists every setting that is missing, wrong, or not one that `Llama` can compute: other
 * activations and stretched contexts, biases, quantized weights.
 */
export function llamaOptionsFromConfig(config: HuggingFaceConfig): LlamaOptions {
  const settings = new Settings(WHERE, config);
  if (settings.get("model_type") !== "llama") {
    settings.refuse("model_type", 'must be "llama"; use gptOptionsFromConfig for "gpt2"');
  }
  const options = readLlamaOptions(settings);
  settings.finish();
  return options;
}

/** What Llama has in common with kinds of models that are built on it. Problems are noted in `settings`. */
export function readLlamaOptions(settings: Settings): LlamaOptions {
  const features = settings.size("hidden_size");
  const heads = settings.size("num_attention_heads");
  const options: LlamaOptions = {
    vocabSize: settings.size("vocab_size"),
    contextLength: settings.size("max_position_embeddings"),
    features,
    heads,
    keyValueHeads: settings.size("num_key_value_heads", heads),
    headFeatures: settings.size("head_dim", Math.max(1, Math.floor(features / heads))),
    layers: settings.size("num_hidden_layers"),
    mlpFeatures: settings.size("intermediate_size"),
    rotary: rotaryOf(settings),
    epsilon: settings.positive("rms_norm_eps", 1e-6),
    tiedEmbeddings: settings.flag("tie_word_embeddings", false),
  };
  requireSupported(settings);
  return options;
}

function requireSupported(settings: Settings): void {
  settings.require("hidden_act", ["silu", "swish"], "Llama has SwiGLU");
  settings.require("attention_bias", [false], "Llama has no biases");
  settings.require("mlp_bias", [false], "Llama has no biases");
  settings.require("quantization_config", [null], "weights are read as floats");
}

/** Where transformers 4 and 5 keep what belongs to positions. */
function rotaryOf(settings: Settings): RotaryOptions {
  const key = isObject(settings.get("rope_parameters")) ? "rope_parameters" : "rope_scaling";
  const scaling = settings.get(key);
  const of: HuggingFaceConfig = isObject(scaling) ? scaling : {};
  const theta = of.rope_theta ?? settings.get("rope_theta") ?? DEFAULT_THETA;
  if (typeof theta !== "number" || !(theta > 0)) {
    settings.refuse(of.rope_theta === undefined ? "rope_theta" : key, "must have a rope_theta above 0");
    return {};
  }
  // Before transformers 4.43 the type had the key "type".
  const type = of.rope_type ?? of.type ?? "default";
  if (type === "default") return { theta };
  const llama3 = type === "llama3" ? llama3Scaling(of) : undefined;
  if (llama3 !== undefined) return { theta, scaling: llama3 };
  settings.refuse(
    key,
    'must be left out, or of type "default" or "llama3" with all its factors, as Llama stretches contexts in no other way; use a model with that setting',
  );
  return {};
}

function llama3Scaling(of: HuggingFaceConfig): Llama3Scaling | undefined {
  const factors: readonly (JsonValue | undefined)[] = [
    of.factor,
    of.low_freq_factor,
    of.high_freq_factor,
    of.original_max_position_embeddings,
  ];
  if (!factors.every((value) => typeof value === "number")) return undefined;
  const [factor, lowFrequencyFactor, highFrequencyFactor, originalContextLength] = factors;
  return {
    factor: factor!,
    lowFrequencyFactor: lowFrequencyFactor!,
    highFrequencyFactor: highFrequencyFactor!,
    originalContextLength: originalContextLength!,
  };
}

/**
 * The `config.json` of a Llama with these options, for `saveHuggingFace`. Positions stand both where transformers 4 and
 * where 5 look for them.
 *
 * @example
 * ```ts
 * saveHuggingFace(model, "export", { config: configFromLlamaOptions(options), group: world.group });
 * ```
 */
export function configFromLlamaOptions(options: Omit<LlamaOptions, "parts">): HuggingFaceConfig {
  const { vocabSize, contextLength, features, heads, layers, rotary = {} } = options;
  const { keyValueHeads = heads, headFeatures = features / heads } = options;
  const { mlpFeatures = Math.ceil((8 * features) / 3), epsilon = 1e-5, tiedEmbeddings = false } = options;
  const theta = rotary.theta ?? DEFAULT_THETA;
  const scaling = rotary.scaling && scalingConfig(rotary.scaling);
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    vocab_size: vocabSize,
    max_position_embeddings: contextLength,
    hidden_size: features,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
    head_dim: headFeatures,
    intermediate_size: mlpFeatures,
    hidden_act: "silu",
    rms_norm_eps: epsilon,
    rope_theta: theta,
    rope_scaling: scaling ?? null,
    rope_parameters: { rope_type: "default", ...scaling, rope_theta: theta },
    tie_word_embeddings: tiedEmbeddings,
    ...{ bos_token_id: null, eos_token_id: null },
  };
}

function scalingConfig(scaling: Llama3Scaling): HuggingFaceConfig {
  return {
    rope_type: "llama3",
    factor: scaling.factor,
    low_freq_factor: scaling.lowFrequencyFactor,
    high_freq_factor: scaling.highFrequencyFactor,
    original_max_position_embeddings: scaling.originalContextLength,
  };
}
