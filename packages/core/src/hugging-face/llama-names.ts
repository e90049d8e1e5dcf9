/**
 * Names of Llama's tensors.
 *
 * @packageDocumentation
 */
import { HEAD, TABLE_PARAMETER, type NameTable, type TensorName } from "./tensor-names.ts";

/**
 * Weights of `Linear` are `[out, in]`, the transpose of ours. The rows of query and key are in the order of rotation by
 * halves: feature i turns with feature i + Dh/2, as our rotary embedding has it.
 */
export const LLAMA_NAMES: NameTable = {
  prefix: "model.",
  names: [
    { parameter: TABLE_PARAMETER, tensor: "model.embed_tokens.weight" },
    { parameter: "blocks.*.norm1.weight", tensor: "model.layers.*.input_layernorm.weight" },
    linear("blocks.*.attention.query", "model.layers.*.self_attn.q_proj"),
    linear("blocks.*.attention.key", "model.layers.*.self_attn.k_proj"),
    linear("blocks.*.attention.value", "model.layers.*.self_attn.v_proj"),
    linear("blocks.*.attention.out", "model.layers.*.self_attn.o_proj"),
    { parameter: "blocks.*.norm2.weight", tensor: "model.layers.*.post_attention_layernorm.weight" },
    linear("blocks.*.mlp.gate", "model.layers.*.mlp.gate_proj"),
    linear("blocks.*.mlp.up", "model.layers.*.mlp.up_proj"),
    linear("blocks.*.mlp.down", "model.layers.*.mlp.down_proj"),
    { parameter: "finalNorm.weight", tensor: "model.norm.weight" },
    HEAD,
  ],
  // The frequencies of the rotary embedding.
  ignored: /\brotary_emb\.inv_freq$/,
};

function linear(module: string, tensors: string): TensorName {
  return { parameter: `${module}.weight`, tensor: `${tensors}.weight`, transposed: true };
}
