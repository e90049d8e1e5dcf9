"""Writes gpt-step.json: loss, gradients and AdamW updates of a small GPT, from PyTorch in float64.

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 numpy
    venv/bin/python packages/core/golden/gpt-step.py

The k-th parameter (k from 0, in the order below) is a wave of phase k + 1: weights of amplitude 0.3, biases of
amplitude 0.1, norm gains of amplitude 0.1 around 1. Nothing is drawn at random, so no weights need be stored.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

from wave import rounded, wave

V, CONTEXT, D, HEADS, LAYERS, HIDDEN = 11, 9, 12, 3, 2, 48
B, T = 2, 7
# Larger than usual: a key bias has gradient 0 (softmax does not see it), and AdamW would blow its rounding noise up.
EPSILON = 1e-5
SETTINGS = {"learningRate": 0.01, "betas": [0.9, 0.99], "epsilon": EPSILON, "weightDecay": 0.1, "maxNorm": 1.0}


def parameter_shapes():
    shapes = {"tokenEmbedding.weight": (V, D), "positionEmbedding.weight": (CONTEXT, D)}
    for i in range(LAYERS):
        block = f"blocks.{i}."
        shapes |= {block + "norm1.weight": (D,), block + "norm1.bias": (D,)}
        for name in ("query", "key", "value", "out"):
            shapes |= {f"{block}attention.{name}.weight": (D, D), f"{block}attention.{name}.bias": (D,)}
        shapes |= {block + "norm2.weight": (D,), block + "norm2.bias": (D,)}
        shapes |= {block + "mlp.up.weight": (D, HIDDEN), block + "mlp.up.bias": (HIDDEN,)}
        shapes |= {block + "mlp.down.weight": (HIDDEN, D), block + "mlp.down.bias": (D,)}
    return shapes | {"finalNorm.weight": (D,), "finalNorm.bias": (D,), "head.weight": (D, V)}


def initial_value(index, name, shape):
    if len(shape) == 2:
        return wave(shape, index + 1, 0.3)
    is_gain = name.endswith("weight")
    return wave(shape, index + 1, 0.1, 1.0 if is_gain else 0.0)


def apply(p, tokens):
    def linear(x, name):
        return x @ p[name + ".weight"] + p[name + ".bias"]

    def norm(x, name):
        return F.layer_norm(x, (D,), p[name + ".weight"], p[name + ".bias"], eps=1e-5)

    def heads(x):
        return x.reshape(B, T, HEADS, D // HEADS).transpose(1, 2)

    x = p["tokenEmbedding.weight"][tokens] + p["positionEmbedding.weight"][:T]
    for i in range(LAYERS):
        block = f"blocks.{i}."
        h = norm(x, block + "norm1")
        q, k, v = (heads(linear(h, f"{block}attention.{name}")) for name in ("query", "key", "value"))
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(B, T, D)
        x = x + linear(a, block + "attention.out")
        h = F.gelu(linear(norm(x, block + "norm2"), block + "mlp.up"), approximate="tanh")
        x = x + linear(h, block + "mlp.down")
    return norm(x, "finalNorm") @ p["head.weight"]


def main():
    parameters = {
        name: initial_value(index, name, shape).requires_grad_()
        for index, (name, shape) in enumerate(parameter_shapes().items())
    }
    tokens = torch.tensor([[(5 * b + 3 * t + t * t) % V for t in range(T)] for b in range(B)])
    labels = torch.tensor([[(2 * b + 7 * t + 1) % V for t in range(T)] for b in range(B)])
    optimizer = torch.optim.AdamW(
        parameters.values(),
        lr=SETTINGS["learningRate"],
        betas=SETTINGS["betas"],
        eps=EPSILON,
        weight_decay=SETTINGS["weightDecay"],
    )
    golden = {"torch": torch.__version__, "settings": SETTINGS, "losses": [], "gradNorms": []}
    for step in range(3):
        optimizer.zero_grad()
        loss = F.cross_entropy(apply(parameters, tokens).reshape(B * T, V), labels.reshape(B * T))
        loss.backward()
        if step == 0:
            golden["gradients"] = {name: rounded(p.grad) for name, p in parameters.items()}
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), SETTINGS["maxNorm"])
        golden["losses"].append(float(f"{loss.item():.10g}"))
        golden["gradNorms"].append(float(f"{norm.item():.10g}"))
        optimizer.step()
        if step in (0, 2):
            golden[f"parametersAfter{step + 1}"] = {name: rounded(p) for name, p in parameters.items()}
    path = pathlib.Path(__file__).with_name("gpt-step.json")
    path.write_text(json.dumps(golden) + "\n")


main()
