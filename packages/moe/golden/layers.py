"""Writes layers.json: outputs, auxiliary losses and all gradients of a mixture-of-experts layer in plain PyTorch.

    python3 -m venv venv && venv/bin/pip install torch==2.15.0 numpy
    venv/bin/python packages/moe/golden/layers.py

Every expert computes the tokens that chose it in a loop, as the papers write it. Inputs and parameters are waves, by the
phases below; float64. The loss is the sum of the output times a wave, plus the auxiliary losses.
"""

import json
import math
import pathlib

import torch
from torch.nn.functional import gelu, one_hot, silu

B, S, D, F, E, SHARED = 3, 5, 6, 7, 8, 4
T = B * S
PHASES = {"x": 0.4, "y": 0.9, "router.gate.weight": 1.1, "experts.up": 0.2, "experts.gate": 0.8, "experts.down": 1.7,
          "shared.up.weight": 0.3, "shared.gate.weight": 0.6, "shared.down.weight": 2.1, "expertBias": 0.5}

CASES = {
    "mixtral": {"topK": 2, "activation": "swiglu", "balance": {"loss": 0.02}},
    "switch": {
        "topK": 1, "activation": "gelu", "router": {"order": "scoreFirst"}, "capacity": {"factor": 1.25},
        "balance": {"loss": 0.01, "zLoss": 0.003},
    },
    "gshard": {
        "topK": 2, "activation": "gelu", "capacity": {"factor": 0.8, "drop": "choice", "renormalize": True},
        "balance": {"loss": 0.05},
    },
    "probability": {
        "topK": 3, "activation": "gelu", "router": {"order": "scoreFirst", "renormalize": True, "scalingFactor": 1.5},
        "capacity": {"factor": 0.6, "minimum": 2, "drop": "probability"}, "balance": {"importanceLoss": 0.04},
        "sharedExperts": {"hidden": SHARED},
    },
    "deepseek": {
        "topK": 3, "activation": "swiglu",
        "router": {"scoreFunction": "sigmoid", "scalingFactor": 2.5, "groups": {"count": 4, "perToken": 2}},
        "balance": {"biasRate": 0.01, "sequenceLoss": 0.03}, "sharedExperts": {"hidden": SHARED},
    },
    "expert choice": {
        "topK": 2, "activation": "swiglu", "expertChoice": True, "router": {"scalingFactor": 1.5},
        "balance": {"zLoss": 0.003}, "sharedExperts": {"hidden": SHARED},
    },
}


def wave(name, shape, amplitude=1.0):
    """amplitude * sin(1.3 i + phase), through float32, so that both sides start from the same bits."""
    values = [amplitude * math.sin(1.3 * i + PHASES[name]) for i in range(math.prod(shape))]
    return torch.tensor(values, dtype=torch.float32).double().reshape(shape)


def rounded(tensor):
    return [float(f"{value:.8g}") for value in tensor.detach().flatten().tolist()]


def parameters_of(options):
    is_gated = options["activation"] == "swiglu"
    shapes = {"router.gate.weight": (D, E), "experts.up": (E, D, F), "experts.down": (E, F, D)}
    if is_gated:
        shapes["experts.gate"] = (E, D, F)
    if "sharedExperts" in options:
        shapes |= {"shared.up.weight": (D, SHARED), "shared.down.weight": (SHARED, D)}
        if is_gated:
            shapes["shared.gate.weight"] = (D, SHARED)
    return {name: wave(name, shape, 0.7).requires_grad_() for name, shape in shapes.items()}


def route(logits, options, bias):
    """Experts and weights [T, K], and the shares [T, E] that the losses average."""
    router, k = options.get("router", {}), options["topK"]
    factor = router.get("scalingFactor", 1.0)
    if router.get("scoreFunction") == "sigmoid":
        scores = torch.sigmoid(logits)
        ranked = scores.detach() + bias
        grouped = ranked.view(T, router["groups"]["count"], -1)
        best = grouped.topk(2, -1)[0].sum(-1).topk(router["groups"]["perToken"], -1)[1]
        is_open = torch.zeros(T, router["groups"]["count"], dtype=torch.bool).scatter_(1, best, True)
        experts = grouped.masked_fill(~is_open.unsqueeze(-1), -torch.inf).view(T, E).topk(k, -1)[1]
        weights = scores.gather(1, experts)
        return experts, factor * weights / weights.sum(-1, keepdim=True), scores / scores.sum(-1, keepdim=True)
    scores = torch.softmax(logits, -1)
    if options.get("expertChoice"):
        return torch.arange(E).expand(T, E), factor * scores, scores
    experts = logits.topk(k, -1)[1]
    if router.get("order") != "scoreFirst":
        return experts, factor * torch.softmax(logits.gather(1, experts), -1), scores
    weights = scores.gather(1, experts)
    if router.get("renormalize"):
        weights = weights / weights.sum(-1, keepdim=True)
    return experts, factor * weights, scores


def keep(experts, weights, options):
    """1 for each choice [T, K] that is within its expert's capacity."""
    kept = torch.ones_like(weights)
    if options.get("expertChoice"):
        best = weights.topk(math.ceil(T * options["topK"] / E), 0)[1]  # [C, E]
        return torch.zeros_like(weights).scatter_(0, best, 1.0).detach()
    if "capacity" not in options:
        return kept
    capacity = options["capacity"]
    room = max(capacity.get("minimum", 1), math.ceil(experts.numel() / E * capacity["factor"]))
    pairs = [(t, k) for t in range(T) for k in range(experts.shape[1])]
    order = {
        "position": lambda pair: pair,
        "choice": lambda pair: (pair[1], pair[0]),
        "probability": lambda pair: (-weights[pair].item(), pair),
    }[capacity.get("drop", "position")]
    taken = [0] * E
    for pair in sorted(pairs, key=order):
        expert = experts[pair].item()
        kept[pair] = float(taken[expert] < room)
        taken[expert] += 1
    return kept.detach()


def network(x, options, up, down, gate):
    hidden = silu(x @ gate) * (x @ up) if options["activation"] == "swiglu" else gelu(x @ up, approximate="tanh")
    return hidden @ down


def auxiliary(options, logits, experts, weights, scores):
    balance = options["balance"]
    chosen = one_hot(experts, E).double()  # [T, K, E]

    def switch(chosen, scores):
        return E * torch.sum(chosen.mean((0, 1)) * scores.mean(0))

    importance = (chosen * weights.unsqueeze(-1)).sum((0, 1))
    values = {
        "loss": lambda: switch(chosen, scores),
        "sequenceLoss": lambda: sum(map(switch, chosen.chunk(B), scores.chunk(B))) / B,
        "zLoss": lambda: (torch.logsumexp(logits, -1) ** 2).mean(),
        "importanceLoss": lambda: importance.var(unbiased=False) / importance.mean() ** 2,
    }
    return {name: balance[name] * value() for name, value in values.items() if name in balance}


def case(options):
    x = wave("x", (T, D)).requires_grad_()
    p = parameters_of(options)
    logits = x @ p["router.gate.weight"]
    experts, weights, scores = route(logits, options, wave("expertBias", (E,), 0.2))
    kept = keep(experts, weights, options)
    held = weights * kept
    if options.get("capacity", {}).get("renormalize"):
        held = held * weights.sum(-1, keepdim=True) / (held.sum(-1, keepdim=True) + (kept.sum(-1, keepdim=True) == 0))
    y = torch.zeros(T, D, dtype=torch.float64)
    for expert in range(E):
        token, choice = torch.nonzero((experts == expert) & (kept > 0), as_tuple=True)
        gate = p["experts.gate"][expert] if "experts.gate" in p else None
        out = network(x[token], options, p["experts.up"][expert], p["experts.down"][expert], gate)
        y = y.index_add(0, token, out * held[token, choice].unsqueeze(-1))
    if "sharedExperts" in options:
        y = y + network(x, options, p["shared.up.weight"], p["shared.down.weight"], p.get("shared.gate.weight"))
    losses = auxiliary(options, logits, experts, weights, scores)
    total = (y * wave("y", (T, D))).sum() + sum(losses.values())
    is_choice = options.get("expertChoice", False)
    gradients = torch.autograd.grad(total, [x, *p.values()])
    return {
        "options": options,
        "counts": (kept.sum(0).int() if is_choice else torch.bincount(experts.flatten(), minlength=E)).tolist(),
        "dropped": 0 if is_choice else int((1 - kept).sum()),
        "losses": {name: float(f"{value.item():.8g}") for name, value in losses.items()},
        "y": rounded(y),
        "gradients": dict(zip(["x", *p], map(rounded, gradients))),
    }


golden = {
    "torch": torch.__version__,
    "sizes": {"B": B, "S": S, "D": D, "F": F, "E": E},
    "phases": PHASES,
    "cases": {name: case(options) for name, options in CASES.items()},
}
pathlib.Path(__file__).with_name("layers.json").write_text(json.dumps(golden) + "\n")
