/**
 * Mixtral's settings, from Hugging Face's names.
 *
 * @packageDocumentation
 */
import { readLlamaOptions, Settings, type HuggingFaceConfig } from "@meshwright/core";
import type { MoELlamaOptions } from "../moe-llama.ts";

/**
 * Options of a `moeLlama` that computes what the Mixtral with this `config.json` does: those of `llamaOptionsFromConfig`,
 * with
 *
 * | config                                  | option           |
 * | --------------------------------------- | ---------------- |
 * | `num_local_experts`, else 8             | `moe.numExperts` |
 * | `num_experts_per_tok`, else 2           | `moe.topK`       |
 * | `rms_norm_eps`, else 1e-5               | `epsilon`        |
 * | `rope_theta`, else 1,000,000            | `rotary.theta`   |
 *
 * What matters in training only (`router_aux_loss_coef`, `router_jitter_noise`) is not taken over: add `balance`, `router`.
 *
 * @example
 * ```ts
 * const options = mixtralOptionsFromConfig(readHuggingFaceConfig("models/mixtral"));
 * const model = moeLlama({ ...options, parallel: { mesh, expertAxis: "ep", tensorAxis: "tp" } });
 * loadHuggingFace(model, "models/mixtral", { kinds: [MIXTRAL] });
 * ```
 * @throws ContractError that lists every setting that is missing, wrong, or not one that `moeLlama` can compute: a window
 * of attention that is shorter than the context, and all that `llamaOptionsFromConfig` refuses.
 */
export function mixtralOptionsFromConfig(config: HuggingFaceConfig): MoELlamaOptions {
  const settings = new Settings("mixtralOptionsFromConfig", withDefaults(config));
  if (settings.get("model_type") !== "mixtral") {
    settings.refuse("model_type", 'must be "mixtral"; use llamaOptionsFromConfig for "llama"');
  }
  const llama = readLlamaOptions(settings);
  const window = settings.get("sliding_window");
  if (window !== undefined && !(typeof window === "number" && window >= llama.contextLength)) {
    settings.refuse(
      "sliding_window",
      `must be null or at least max_position_embeddings (${llama.contextLength}), as moeLlama attends to all positions; use a model with that setting`,
    );
  }
  const moe = {
    numExperts: settings.size("num_local_experts"),
    topK: settings.size("num_experts_per_tok"),
  };
  settings.finish();
  return { ...llama, moe };
}

/** Where Mixtral's defaults are not Llama's. null stands for a setting that is left out. */
function withDefaults(config: HuggingFaceConfig): HuggingFaceConfig {
  return {
    ...config,
    rms_norm_eps: config.rms_norm_eps ?? 1e-5,
    rope_theta: config.rope_theta ?? 1e6,
    num_local_experts: config.num_local_experts ?? 8,
    num_experts_per_tok: config.num_experts_per_tok ?? 2,
  };
}
