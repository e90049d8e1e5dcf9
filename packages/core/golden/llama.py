"""Writes llama.json: logits, loss and gradients of small Llamas, from Hugging Face's implementation in float64.

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 transformers==5.24.0 numpy
    venv/bin/python packages/core/golden/llama.py

The k-th parameter (k from 0, in our order) is a wave of phase k + 1: weights of amplitude 0.3 as [in, out], the
transpose of Hugging Face's, norm gains of amplitude 0.1 around 1. Nothing is drawn at random, so no weights are stored.
"""

import json
import pathlib

import torch
import torch.nn.functional as F
import transformers
from transformers.models.llama import modeling_llama

from wave import rounded, wave

B, T = 2, 7
PLAIN = {
    "vocabSize": 11, "contextLength": 9, "features": 12, "heads": 6, "keyValueHeads": 3, "layers": 2, "mlpFeatures": 10,
    "epsilon": 1e-5, "tiedEmbeddings": False, "rotary": {"theta": 500.0},
}
# Heads wider than features / heads, one key and value head for all, a tied head, and Llama 3.1's stretched context.
STRETCHED = PLAIN | {
    "heads": 2, "keyValueHeads": 1, "headFeatures": 10, "layers": 1, "epsilon": 1e-3, "tiedEmbeddings": True,
    "rotary": {
        "theta": 50.0,
        "scaling": {
            "factor": 8.0, "lowFrequencyFactor": 1.0, "highFrequencyFactor": 4.0, "originalContextLength": 16,
        },
    },
}


def rope_parameters(rotary):
    scaling = rotary.get("scaling")
    if scaling is None:
        return {"rope_type": "default", "rope_theta": rotary["theta"]}
    return {
        "rope_type": "llama3", "rope_theta": rotary["theta"], "factor": scaling["factor"],
        "low_freq_factor": scaling["lowFrequencyFactor"], "high_freq_factor": scaling["highFrequencyFactor"],
        "original_max_position_embeddings": scaling["originalContextLength"],
    }


def norm(self, x):
    """Hugging Face's RMSNorm without its detour through float32."""
    return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))


def build(sizes):
    config = transformers.LlamaConfig(
        vocab_size=sizes["vocabSize"],
        hidden_size=sizes["features"],
        intermediate_size=sizes["mlpFeatures"],
        num_hidden_layers=sizes["layers"],
        num_attention_heads=sizes["heads"],
        num_key_value_heads=sizes["keyValueHeads"],
        head_dim=sizes.get("headFeatures", sizes["features"] // sizes["heads"]),
        max_position_embeddings=sizes["contextLength"],
        rms_norm_eps=sizes["epsilon"],
        tie_word_embeddings=sizes["tiedEmbeddings"],
        rope_parameters=rope_parameters(sizes["rotary"]),
        attn_implementation="sdpa",
    )
    modeling_llama.LlamaRMSNorm.forward = norm
    return transformers.LlamaForCausalLM(config).double()


def parameters_of(model, sizes):
    """Our names, in our order, to Hugging Face's parameters."""
    found = {"tokenEmbedding.weight": model.model.embed_tokens.weight}
    for i, layer in enumerate(model.model.layers):
        attention, mlp = layer.self_attn, layer.mlp
        found |= {
            f"blocks.{i}.norm1.weight": layer.input_layernorm.weight,
            f"blocks.{i}.attention.query.weight": attention.q_proj.weight,
            f"blocks.{i}.attention.key.weight": attention.k_proj.weight,
            f"blocks.{i}.attention.value.weight": attention.v_proj.weight,
            f"blocks.{i}.attention.out.weight": attention.o_proj.weight,
            f"blocks.{i}.norm2.weight": layer.post_attention_layernorm.weight,
            f"blocks.{i}.mlp.gate.weight": mlp.gate_proj.weight,
            f"blocks.{i}.mlp.up.weight": mlp.up_proj.weight,
            f"blocks.{i}.mlp.down.weight": mlp.down_proj.weight,
        }
    found["finalNorm.weight"] = model.model.norm.weight
    return found if sizes["tiedEmbeddings"] else found | {"head.weight": model.lm_head.weight}


def ours(name, tensor):
    """Hugging Face keeps linear weights [out, in]; embeddings are the same."""
    return tensor.T if tensor.dim() == 2 and name != "tokenEmbedding.weight" else tensor


def case(sizes):
    model = build(sizes)
    parameters = parameters_of(model, sizes)
    with torch.no_grad():
        for k, (name, parameter) in enumerate(parameters.items()):
            shape = ours(name, parameter).shape
            value = wave(shape, k + 1, 0.3) if len(shape) == 2 else wave(shape, k + 1, 0.1, 1.0)
            parameter.copy_(ours(name, value))
    V = sizes["vocabSize"]
    tokens = torch.tensor([[(5 * b + 3 * t + t * t) % V for t in range(T)] for b in range(B)])
    labels = torch.tensor([[(2 * b + 7 * t + 1) % V for t in range(T)] for b in range(B)])
    logits = model(tokens, use_cache=False).logits
    loss = F.cross_entropy(logits.reshape(B * T, V), labels.reshape(B * T))
    loss.backward()
    return {
        "sizes": sizes,
        "logits": rounded(logits),
        "loss": float(f"{loss.item():.10g}"),
        "gradients": {name: rounded(ours(name, p.grad).contiguous()) for name, p in parameters.items()},
    }


golden = {
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "plain": case(PLAIN),
    "stretched": case(STRETCHED),
}
path = pathlib.Path(__file__).with_name("llama.json")
path.write_text(json.dumps(golden) + "\n")
