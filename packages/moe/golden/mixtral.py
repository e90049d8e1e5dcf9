"""Writes mixtral/: a small random Mixtral checkpoint as transformers saves it, and mixtral.json: its logits.

    python3 -m venv venv && venv/bin/pip install torch==2.15.0 transformers==5.24.0 safetensors==0.8.0 numpy
    venv/bin/python packages/moe/golden/mixtral.py
    npx prettier --write packages/moe/golden/mixtral

Every parameter is drawn, gains too, so that no two can be mistaken for each other; float32 in several files. Logits are
from the weights as saved, with eager attention. The counts say how many choices each expert of each block got.
"""

import json
import pathlib
import shutil

import safetensors
import torch
import transformers

FOLDER = pathlib.Path(__file__).with_name("mixtral")
TOKENS = [[3, 36, 0, 17, 5, 5, 29], [11, 2, 35, 8, 1, 30, 14]]
CONFIG = {
    "vocab_size": 37, "hidden_size": 16, "intermediate_size": 10, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 16, "num_local_experts": 4, "num_experts_per_tok": 2,
    "rms_norm_eps": 1e-3, "rope_parameters": {"rope_type": "default", "rope_theta": 50.0},
}


def draw(model):
    """Weights around 0 with std 0.3, gains of norms around 1."""
    for name, parameter in model.named_parameters():
        is_gain = name.endswith("weight") and parameter.ndim == 1
        parameter.data.normal_(1.0 if is_gain else 0.0, 0.3)


torch.manual_seed(7)
shutil.rmtree(FOLDER, ignore_errors=True)
model = transformers.MixtralForCausalLM(transformers.MixtralConfig(**CONFIG))
draw(model)
model.save_pretrained(FOLDER, max_shard_size="20KB")
(FOLDER / "generation_config.json").unlink()
loaded = transformers.AutoModelForCausalLM.from_pretrained(
    FOLDER, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager"
).eval()
with torch.no_grad():
    output = loaded(torch.tensor(TOKENS), output_router_logits=True)
choices = [logits.topk(CONFIG["num_experts_per_tok"], -1)[1].flatten() for logits in output.router_logits]
golden = {
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "safetensors": safetensors.__version__,
    "tokens": TOKENS,
    "logits": [float(f"{value:.8g}") for value in output.logits.flatten().tolist()],
    "counts": [torch.bincount(c, minlength=CONFIG["num_local_experts"]).tolist() for c in choices],
}
FOLDER.with_suffix(".json").write_text(json.dumps(golden) + "\n")
