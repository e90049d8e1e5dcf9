"""Writes routing.json: chosen experts, weights, losses and gate gradients of each routing convention, from PyTorch.

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 numpy
    venv/bin/python packages/moe/golden/routing.py

Inputs are a wave of shape [10, 6], phase 0.4; the gate a wave of shape [6, 8], phase 1.1, amplitude 0.7; float64.
"""

import json
import math
import pathlib

import torch

T, D, E = 10, 6, 8


def wave(shape, phase, amplitude=1.0):
    """amplitude * sin(1.3 i + phase), through float32, so that both sides start from the same bits."""
    values = [amplitude * math.sin(1.3 * i + phase) for i in range(math.prod(shape))]
    return torch.tensor(values, dtype=torch.float32).double().reshape(shape)


def rounded(tensor):
    return [float(f"{value:.8g}") for value in tensor.detach().flatten().tolist()]


CASES = {
    "chooseFirst": {"topK": 2},
    "scoreFirst": {"topK": 3, "order": "scoreFirst"},
    "renormalized": {"topK": 3, "order": "scoreFirst", "renormalize": True, "scalingFactor": 2.5},
    "sigmoid": {"topK": 3, "scoreFunction": "sigmoid", "scalingFactor": 1.5},
    "sigmoidRaw": {"topK": 2, "scoreFunction": "sigmoid", "renormalize": False},
    "topTwoGroups": {
        "topK": 3,
        "scoreFunction": "sigmoid",
        "groups": {"count": 4, "perToken": 2},
    },
    "maxGroups": {
        "topK": 2,
        "order": "scoreFirst",
        "groups": {"count": 2, "perToken": 1, "score": "max"},
    },
    "biased": {"topK": 2, "scoreFunction": "sigmoid", "bias": True},
}


def choose(ranked, options, bias):
    ranked = ranked.detach() + (bias if options.get("bias") else 0)
    groups = options.get("groups")
    if groups:
        grouped = ranked.view(T, groups["count"], -1)
        score = grouped.amax(-1) if groups.get("score") == "max" else grouped.topk(2, -1)[0].sum(-1)
        keep = torch.zeros_like(score).scatter_(1, score.topk(groups["perToken"], -1)[1], 1.0)
        ranked = grouped.masked_fill(keep.unsqueeze(-1) == 0, -torch.inf).view(T, E)
    return ranked.topk(options["topK"], -1)[1]


def route(logits, options, bias):
    k = options["topK"]
    factor = options.get("scalingFactor", 1.0)
    if options.get("scoreFunction") == "sigmoid":
        scores = torch.sigmoid(logits)
        experts = choose(scores, options, bias)
        weights = scores.gather(1, experts)
        if options.get("renormalize", k > 1):
            weights = weights / (weights.sum(-1, keepdim=True) + 1e-20)
        return experts, weights * factor, scores / (scores.sum(-1, keepdim=True) + 1e-20)
    scores = torch.softmax(logits, -1)
    if options.get("order") != "scoreFirst":
        experts = choose(logits, options, bias)
        return experts, torch.softmax(logits.gather(1, experts), -1) * factor, scores
    experts = choose(scores, options, bias)
    weights = scores.gather(1, experts)
    if options.get("renormalize"):
        weights = weights / weights.sum(-1, keepdim=True)
    return experts, weights * factor, scores


def switch(scores, experts):
    counts = torch.bincount(experts.flatten(), minlength=E).double()
    return E * torch.sum(counts / experts.numel() * scores.mean(0))


def losses_of(experts, weights, logits, scores):
    halves = [switch(s, e) for s, e in zip(scores.chunk(2), experts.chunk(2))]
    importance = torch.zeros(E, dtype=torch.float64).index_add(0, experts.flatten(), weights.flatten())
    return {
        "switch": 0.3 * switch(scores, experts),
        "sequence": 0.2 * (halves[0] + halves[1]) / 2,
        "z": 0.1 * (torch.logsumexp(logits, -1) ** 2).mean(),
        "importance": 0.4 * importance.var(unbiased=False) / importance.mean() ** 2,
    }


def case(options):
    gate = wave((D, E), 1.1, 0.7).requires_grad_()
    logits = wave((T, D), 0.4) @ gate
    experts, weights, scores = route(logits, options, wave((E,), 0.9, 0.5))
    result = {"options": options, "experts": experts.flatten().tolist(), "weights": rounded(weights)}
    values = losses_of(experts, weights, logits, scores)
    values["weighted"] = (weights * wave(weights.shape, 0.5)).sum()
    for name, value in values.items():
        (gradient,) = torch.autograd.grad(value, gate, retain_graph=True)
        result[name] = {"value": rounded(value), "gradient": rounded(gradient)}
    return result


golden = {"torch": torch.__version__, "cases": {name: case(options) for name, options in CASES.items()}}
path = pathlib.Path(__file__).with_name("routing.json")
path.write_text(json.dumps(golden) + "\n")
