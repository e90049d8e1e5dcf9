"""Writes hugging-face/*: small random GPT-2 and Llama checkpoints as transformers saves them, and hugging-face.json:
their logits.

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 transformers==5.24.0 safetensors==0.8.0 numpy
    venv/bin/python packages/core/golden/hugging-face.py
    npx prettier --write packages/core/golden/hugging-face

Every parameter is drawn, biases and gains too, so that no two can be mistaken for each other. gpt2 is float32 in one
file; llama float32 in several files, with an own head; llama-tied bfloat16, with a tied head, Llama 3.1's stretched
context and heads wider than features / heads. Logits are float32, from the weights as saved.
"""

import json
import pathlib
import shutil

import safetensors
import torch
import transformers

FOLDER = pathlib.Path(__file__).with_name("hugging-face")
TOKENS = [[3, 36, 0, 17, 5, 5, 29], [11, 2, 35, 8, 1, 30, 14]]
LLAMA = {
    "vocab_size": 37, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 16,
}
STRETCHED = {
    "rope_type": "llama3", "rope_theta": 50.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8,
}


def gpt2():
    config = transformers.GPT2Config(vocab_size=37, n_embd=24, n_head=6, n_layer=2, n_positions=16)
    return transformers.GPT2LMHeadModel(config)


def llama():
    config = transformers.LlamaConfig(**LLAMA, rms_norm_eps=1e-3, tie_word_embeddings=False)
    return transformers.LlamaForCausalLM(config)


def llama_tied():
    config = transformers.LlamaConfig(**LLAMA, head_dim=10, rope_parameters=STRETCHED, tie_word_embeddings=True)
    return transformers.LlamaForCausalLM(config)


def draw(model):
    """Weights around 0 with std 0.3, gains of norms around 1."""
    for name, parameter in model.named_parameters():
        is_gain = name.endswith("weight") and parameter.ndim == 1
        parameter.data.normal_(1.0 if is_gain else 0.0, 0.3)


def write(name, model, dtype=torch.float32, **options):
    draw(model)
    model.to(dtype).save_pretrained(FOLDER / name, **options)
    (FOLDER / name / "generation_config.json").unlink()
    loaded = transformers.AutoModelForCausalLM.from_pretrained(FOLDER / name, dtype=torch.float32).eval()
    with torch.no_grad():
        logits = loaded(torch.tensor(TOKENS)).logits
    return [float(f"{value:.8g}") for value in logits.flatten().tolist()]


torch.manual_seed(5)
shutil.rmtree(FOLDER, ignore_errors=True)
golden = {
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "safetensors": safetensors.__version__,
    "tokens": TOKENS,
    "logits": {
        "gpt2": write("gpt2", gpt2()),
        "llama": write("llama", llama(), max_shard_size="30KB"),
        "llama-tied": write("llama-tied", llama_tied(), torch.bfloat16),
    },
}
FOLDER.with_suffix(".json").write_text(json.dumps(golden) + "\n")
