/**
 * Names of GPT-2's tensors.
 *
 * @packageDocumentation
 */
import { HEAD, TABLE_PARAMETER, type NameTable, type TensorName } from "./tensor-names.ts";

/** Weights of `Conv1D` are `[in, out]`, as ours; query, key and value are the thirds of one's columns. */
export const GPT_NAMES: NameTable = {
  prefix: "transformer.",
  names: [
    { parameter: TABLE_PARAMETER, tensor: "transformer.wte.weight" },
    { parameter: "positionEmbedding.weight", tensor: "transformer.wpe.weight" },
    ...pair("blocks.*.norm1", "transformer.h.*.ln_1"),
    ...pair("blocks.*.attention.query", "transformer.h.*.attn.c_attn", { index: 0, of: 3 }),
    ...pair("blocks.*.attention.key", "transformer.h.*.attn.c_attn", { index: 1, of: 3 }),
    ...pair("blocks.*.attention.value", "transformer.h.*.attn.c_attn", { index: 2, of: 3 }),
    ...pair("blocks.*.attention.out", "transformer.h.*.attn.c_proj"),
    ...pair("blocks.*.norm2", "transformer.h.*.ln_2"),
    ...pair("blocks.*.mlp.up", "transformer.h.*.mlp.c_fc"),
    ...pair("blocks.*.mlp.down", "transformer.h.*.mlp.c_proj"),
    ...pair("finalNorm", "transformer.ln_f"),
    HEAD,
  ],
  // The causal mask.
  ignored: /\bh\.\d+\.attn\.(bias|masked_bias)$/,
};

function pair(module: string, tensors: string, part?: TensorName["part"]): readonly TensorName[] {
  return ["weight", "bias"].map((field) => ({
    parameter: `${module}.${field}`,
    tensor: `${tensors}.${field}`,
    ...(part && { part }),
  }));
}
