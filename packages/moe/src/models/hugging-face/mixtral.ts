/**
 * Mixtral, for the functions that load and save Hugging Face models.
 *
 * @packageDocumentation
 */
import { LLAMA_NAMES, type HuggingFaceKind, type NameTable, type TensorName } from "@meshwright/core";
import { moeLlama } from "../moe-llama.ts";
import { mixtralOptionsFromConfig } from "./mixtral-config.ts";

/** Those of a Llama, but for the feed-forward module. Every expert's matrix is a tensor of its own. */
const NAMES: NameTable = {
  ...LLAMA_NAMES,
  names: [
    ...LLAMA_NAMES.names.filter(({ parameter }) => !parameter.startsWith("blocks.*.mlp.")),
    {
      parameter: "blocks.*.mlp.router.gate.weight",
      tensor: "model.layers.*.block_sparse_moe.gate.weight",
      transposed: true,
    },
    expert("gate", "w1"),
    expert("up", "w3"),
    expert("down", "w2"),
  ],
};

/**
 * Mixtral as a kind of Hugging Face model.
 *
 * | parameter, of block 0                | tensors, `[out, in]`                                              |
 * | ------------------------------------ | ----------------------------------------------------------------- |
 * | `mlp.router.gate.weight` `[D, E]`    | `model.layers.0.block_sparse_moe.gate.weight` `[E, D]`            |
 * | `mlp.experts.gate`, `up` `[E, D, F]` | `model.layers.0.block_sparse_moe.experts.{0..E-1}.w1.weight`, `w3` |
 * | `mlp.experts.down` `[E, F, D]`       | `model.layers.0.block_sparse_moe.experts.{0..E-1}.w2.weight`      |
 * | all others                           | as Llama's                                                        |
 *
 * A rank reads only its part of its own experts.
 *
 * @example
 * ```ts
 * const { bytesRead } = loadHuggingFace(model, "models/mixtral", { kinds: [MIXTRAL] });
 * saveHuggingFace(model, "export", { config, kinds: [MIXTRAL], group: world.group });
 * ```
 */
export const MIXTRAL: HuggingFaceKind = {
  modelType: "mixtral",
  table: NAMES,
  build: (config) => moeLlama(mixtralOptionsFromConfig(config)),
};

function expert(field: "gate" | "up" | "down", tensor: "w1" | "w2" | "w3"): TensorName {
  return {
    parameter: `blocks.*.mlp.experts.${field}`,
    tensor: `model.layers.*.block_sparse_moe.experts.#.${tensor}.weight`,
    ...{ transposed: true, stacked: true },
  };
}
