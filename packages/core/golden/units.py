"""Writes units.json: values and gradients of single layers, from PyTorch in float64.

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 numpy
    venv/bin/python packages/core/golden/units.py
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

from wave import rounded, wave


def with_gradients(function, inputs, dy_phase):
    """The value of function(*inputs) and the gradients of sum(value * dy), dy a wave."""
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    value = function(*leaves)
    value.backward(wave(value.shape, dy_phase))
    return {"value": rounded(value), "gradients": [rounded(leaf.grad) for leaf in leaves]}


def causal_attention(q, k, v):
    rows, columns = q.shape[-2], k.shape[-2]
    seen = torch.ones(rows, columns, dtype=torch.bool).tril(columns - rows)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=seen)


def swiglu(x, gate, up, down):
    return (F.silu(x @ gate) * (x @ up)) @ down


def optimizer_run(make):
    """Three steps on one parameter whose gradient at step s is wave(phase = s)."""
    parameter = wave((3, 2), 0.4).requires_grad_()
    optimizer = make([parameter])
    values = []
    for step in range(3):
        parameter.grad = wave((3, 2), float(step))
        optimizer.step()
        values.append(rounded(parameter))
    return values


x35 = wave((2, 3, 5), 0.1)
gelu_x = torch.arange(-8.0, 8.25, 0.5, dtype=torch.float64)
logits = wave((4, 6), 0.2, amplitude=3.0)
labels = torch.tensor([5, 0, 3, 3])
golden = {
    "torch": torch.__version__,
    "layerNorm": with_gradients(
        lambda x, gamma, beta: F.layer_norm(x, (5,), gamma, beta, eps=1e-5),
        [x35, wave((5,), 0.2, 0.3, 1.0), wave((5,), 0.3)],
        0.5,
    ),
    "rmsNorm": with_gradients(
        lambda x, gamma: F.rms_norm(x, (5,), gamma, eps=1e-5), [x35, wave((5,), 0.2, 0.3, 1.0)], 0.5
    ),
    "geluNone": with_gradients(lambda x: F.gelu(x), [gelu_x], 0.5),
    "geluTanh": with_gradients(lambda x: F.gelu(x, approximate="tanh"), [gelu_x], 0.5),
    "crossEntropy": with_gradients(lambda x: F.cross_entropy(x, labels, reduction="none"), [logits], 0.5),
    "crossEntropyMean": with_gradients(lambda x: F.cross_entropy(x, labels), [logits], 0.5),
    "attention": with_gradients(
        causal_attention, [wave((2, 3, 4, 5), 0.1), wave((2, 3, 4, 5), 0.2), wave((2, 3, 4, 5), 0.3)], 0.5
    ),
    "attentionLongKeys": with_gradients(
        causal_attention, [wave((1, 2, 3, 4), 0.1), wave((1, 2, 5, 4), 0.2), wave((1, 2, 5, 4), 0.3)], 0.5
    ),
    "swiglu": with_gradients(
        swiglu, [wave((2, 3), 0.1), wave((3, 4), 0.2), wave((3, 4), 0.3), wave((4, 3), 0.4)], 0.5
    ),
    "adamW": optimizer_run(lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.8, 0.95), weight_decay=0.2)),
    "sgd": optimizer_run(
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.7, weight_decay=0.2, nesterov=True)
    ),
}
assert all(math.isfinite(value) for value in golden["layerNorm"]["value"])
path = pathlib.Path(__file__).with_name("units.json")
path.write_text(json.dumps(golden) + "\n")
