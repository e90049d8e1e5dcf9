"""Writes cross-entropy.json: losses and gradients with label smoothing, ignored tokens and a z-term, from PyTorch.

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 numpy
    venv/bin/python packages/core/golden/cross-entropy.py

Logits are a wave of shape [4, 6], phase 0.2 and amplitude 3; float64.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

from wave import rounded, wave

LABELS = torch.tensor([5, -100, 3, 0])
CASES = {
    "smoothed": {"labelSmoothing": 0.1},
    "ignored": {"ignoreIndex": -100},
    "smoothedIgnored": {"labelSmoothing": 0.25, "ignoreIndex": -100},
    "zTerm": {"zLoss": 0.01, "ignoreIndex": -100},
    "everything": {"labelSmoothing": 0.25, "ignoreIndex": -100, "zLoss": 0.01},
}


def loss_of(logits, labels, reduction, options):
    ignore = options.get("ignoreIndex", -1)
    loss = F.cross_entropy(
        logits,
        labels,
        reduction=reduction,
        ignore_index=ignore,
        label_smoothing=options.get("labelSmoothing", 0.0),
    )
    # PyTorch has no z-term; its own logsumexp gives it.
    z = options.get("zLoss", 0.0) * torch.logsumexp(logits, -1) ** 2 * (labels != ignore)
    return loss + {"none": z, "sum": z.sum(), "mean": z.sum() / (labels != ignore).sum()}[reduction]


def case(options):
    labels = LABELS if "ignoreIndex" in options else LABELS.clamp(min=1)
    result = {"options": options, "labels": labels.tolist()}
    for reduction in ("none", "sum", "mean"):
        logits = wave((4, 6), 0.2, amplitude=3.0).requires_grad_()
        loss = loss_of(logits, labels, reduction, options)
        loss.backward(wave(loss.shape, 0.5))
        result[reduction] = {"value": rounded(loss), "gradient": rounded(logits.grad)}
    return result


golden = {"torch": torch.__version__, "cases": {name: case(options) for name, options in CASES.items()}}
path = pathlib.Path(__file__).with_name("cross-entropy.json")
path.write_text(json.dumps(golden) + "\n")
