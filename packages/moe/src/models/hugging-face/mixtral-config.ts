/**
 * Mixtral's settings, from and to Hugging Face's names.
 *
 * @packageDocumentation
 */
import {
  configFromLlamaOptions,
  ContractError,
  readLlamaOptions,
  Settings,
  type HuggingFaceConfig,
} from "@meshwright/core";
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

/**
 * The `config.json` of a `moeLlama` with these options, for `saveHuggingFace`.
 *
 * @example
 * ```ts
 * const config = configFromMixtralOptions(options);
 * saveHuggingFace(model, "export", { config, kinds: [MIXTRAL], group: world.group });
 * ```
 * @throws ContractError that lists every setting that Mixtral has not: dense blocks, shared experts, other scores than the
 * softmax of the chosen logits, biases, a capacity.
 */
export function configFromMixtralOptions(
  options: Omit<MoELlamaOptions, "parts" | "parallel">,
): HuggingFaceConfig {
  const { moe, ...llama } = options;
  const problems = mixtralProblems(moe);
  if (problems.length > 0) {
    throw new ContractError(
      `configFromMixtralOptions: options must be those of a Mixtral:\n- ${problems.join("\n- ")}`,
    );
  }
  return {
    ...configFromLlamaOptions({ ...llama, ...(moe.hidden !== undefined && { mlpFeatures: moe.hidden }) }),
    architectures: ["MixtralForCausalLM"],
    model_type: "mixtral",
    num_local_experts: moe.numExperts,
    num_experts_per_tok: moe.topK,
    sliding_window: null,
  };
}

function mixtralProblems(moe: MoELlamaOptions["moe"]): readonly string[] {
  const { everyNth = 1, firstDense = 0, sharedExperts, capacity, router = {}, balance = {} } = moe;
  const {
    scoreFunction = "softmax",
    order = "chooseFirst",
    renormalize,
    scalingFactor = 1,
    groups,
    noise,
  } = router;
  const isSoftmaxOfChosen =
    scoreFunction === "softmax" && (order === "chooseFirst" || renormalize === true) && scalingFactor === 1;
  const rules: readonly (readonly [boolean, string])[] = [
    [everyNth !== 1, `moe.everyNth (${everyNth}) must be 1, as every block of Mixtral has experts`],
    [firstDense !== 0, `moe.firstDense (${firstDense}) must be 0, as every block of Mixtral has experts`],
    [sharedExperts !== undefined, `moe.sharedExperts (${sharedExperts?.hidden}) must be left out`],
    [
      capacity !== undefined,
      `moe.capacity (factor ${capacity?.factor}) must be left out, as Mixtral drops nothing`,
    ],
    [!isSoftmaxOfChosen, `moe.router must take the softmax of the chosen logits, as Mixtral does`],
    [groups !== undefined, `moe.router.groups (${groups?.count}) must be left out`],
    [noise === true, `moe.router.noise (true) must be left out`],
    [
      (balance.biasRate ?? 0) > 0,
      `moe.balance.biasRate (${balance.biasRate}) must be left out, as a Mixtral has no biases`,
    ],
  ];
  return rules.filter(([isWrong]) => isWrong).map(([, problem]) => `${problem}.`);
}
