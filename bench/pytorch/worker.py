"""One PyTorch rank of `pnpm bench pytorch`: the same model and training step as bench/step/train.ts.

Reads one JSON command per line from stdin and answers each with one JSON line on stdout:
  {"do": "step"}                     -> {"ms": ..., "loss": ...}
  {"do": "profile"}                  -> {"ms": ..., "kernels": [{"name", "calls", "ms"}]}
  {"do": "measure", "name", "calls"} -> {"ms": ...} per call
Started as: worker.py MODE RANK RANKS PORT SIZES, MODE one of dense, tp, dp, SIZES as JSON.

Legend: B sequences, T positions, D features, H heads.
"""

import json
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)

MODE, RANK, RANKS, PORT, SIZES = (
    sys.argv[1],
    int(sys.argv[2]),
    int(sys.argv[3]),
    sys.argv[4],
    json.loads(sys.argv[5]),
)
if RANKS > 1:
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{PORT}", rank=RANK, world_size=RANKS)
TP = RANKS if MODE == "tp" else 1
DP = RANKS if MODE == "dp" else 1


class ToTensorParallel(torch.autograd.Function):
    """Identity forward, all-reduce backward (Megatron-LM, f)."""

    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, dy):
        dy = dy.contiguous()
        dist.all_reduce(dy)
        return dy


class FromTensorParallel(torch.autograd.Function):
    """All-reduce forward, identity backward (Megatron-LM, g)."""

    @staticmethod
    def forward(ctx, x):
        x = x.contiguous()
        dist.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx, dy):
        return dy


class Row(nn.Module):
    """Linear whose input features are split; its bias is added once, after the sum."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * 0.02)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        y = F.linear(x, self.weight)
        return (FromTensorParallel.apply(y) if TP > 1 else y) + self.bias


class Block(nn.Module):
    def __init__(self, features, heads):
        super().__init__()
        inner = features // TP
        self.heads = heads // TP
        self.norm1 = nn.LayerNorm(features)
        self.norm2 = nn.LayerNorm(features)
        self.qkv = nn.Linear(features, 3 * inner)
        self.out = Row(inner, features)
        self.up = nn.Linear(features, 4 * inner)
        self.down = Row(4 * inner, features)

    def attention(self, x):
        B, T, _ = x.shape
        q, k, v = (t.view(B, T, self.heads, -1).transpose(1, 2) for t in self.qkv(x).chunk(3, dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(B, T, -1))

    def forward(self, x):
        enter = ToTensorParallel.apply if TP > 1 else (lambda t: t)
        x = x + self.attention(enter(self.norm1(x)))
        return x + self.down(F.gelu(self.up(enter(self.norm2(x))), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self, features, layers, heads, vocabSize, contextLength, **_):
        super().__init__()
        self.tokens = nn.Embedding(vocabSize, features)
        self.positions = nn.Embedding(contextLength, features)
        self.blocks = nn.ModuleList(Block(features, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(features)
        self.head = nn.Linear(features, vocabSize, bias=False)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def is_split(name):
    """Whether a parameter is one part of several on the ranks of tensor parallelism."""
    return TP > 1 and any(part in name for part in ("qkv.", "up.", "out.weight", "down.weight"))


class Training:
    def __init__(self):
        torch.manual_seed(1)
        self.model = GPT(**SIZES)
        self.net = nn.parallel.DistributedDataParallel(self.model) if DP > 1 else self.model
        decay = [p for p in self.model.parameters() if p.dim() > 1]
        rest = [p for p in self.model.parameters() if p.dim() <= 1]
        groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
        # The fastest form that PyTorch has on the CPU.
        self.optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), fused=True)

    def clip(self):
        if TP == 1:
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            return
        named = list(self.model.named_parameters())
        split = torch.stack([p.grad.norm() for n, p in named if is_split(n)]).square().sum()
        dist.all_reduce(split)
        whole = torch.stack([p.grad.norm() for n, p in named if not is_split(n)]).square().sum()
        factor = (1.0 / ((split + whole).sqrt() + 1e-6)).clamp(max=1.0)
        torch._foreach_mul_([p.grad for _, p in named], factor)

    def step(self):
        B, T, V = SIZES["batchSize"], SIZES["contextLength"], SIZES["vocabSize"]
        rows = torch.randint(0, V, (B, T + 1))
        rows = rows[RANK * B // DP : (RANK + 1) * B // DP] if DP > 1 else rows
        if RANKS > 1:
            dist.barrier()
        start = time.perf_counter()
        logits = self.net(rows[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        loss.backward()
        self.clip()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        value = loss.item()
        return {"ms": (time.perf_counter() - start) * 1e3, "loss": value}

    def profile(self):
        from torch.profiler import ProfilerActivity, profile

        fastest = None
        for _ in range(5):
            with profile(activities=[ProfilerActivity.CPU]) as taken:
                ms = self.step()["ms"]
            if fastest is None or ms < fastest[0]:
                fastest = (ms, taken.key_averages())
        kernels = [
            {"name": event.key, "calls": event.count, "ms": event.self_cpu_time_total / 1e3}
            for event in fastest[1]
            if event.self_cpu_time_total > 0
        ]
        return {"ms": fastest[0], "kernels": sorted(kernels, key=lambda kernel: -kernel["ms"])}


def measurements():
    """The functions of bench/pytorch/measurements.ts, by name; made when asked for."""
    T, D = 1024, 768
    tensor = torch.randn

    def backward(function, *inputs):
        leaves = [t.requires_grad_() for t in inputs]
        y = function(*leaves)
        dy = torch.ones_like(y)
        return lambda: torch.autograd.grad(function(*leaves), leaves, dy)

    def adamw():
        p = nn.Parameter(tensor(D, 4 * D))
        p.grad = tensor(D, 4 * D)
        return torch.optim.AdamW([p], fused=True).step

    def product(a, b):
        return lambda: a @ b

    def reduce_sum(bytes):
        buffer = torch.zeros(bytes // 4)
        return lambda: dist.all_reduce(buffer)

    def add():
        a, b = tensor(4 * 2**20), tensor(4 * 2**20)
        return lambda: a + b

    return {
        "matMul": lambda: product(tensor(T, D), tensor(D, 4 * D)),
        "matMul, right transposed": lambda: product(tensor(T, 4 * D), tensor(D, 4 * D).T),
        "matMul, left transposed": lambda: product(tensor(T, D).T, tensor(T, 4 * D)),
        "matMul, 96 heads": lambda: product(tensor(96, 128, 64), tensor(96, 128, 64).transpose(1, 2)),
        "add": add,
        "GELU and gradient": lambda: backward(lambda x: F.gelu(x, approximate="tanh"), tensor(T, 4 * D)),
        "layer norm and gradient": lambda: backward(
            lambda x, g, b: F.layer_norm(x, (D,), g, b), tensor(T, D), tensor(D), tensor(D)
        ),
        "causal attention and gradient": lambda: backward(
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
            *(tensor(8, 12, 128, 64) for _ in range(3)),
        ),
        "cross-entropy and gradient": lambda: backward(
            lambda x: F.cross_entropy(x, torch.arange(T) % 8192), tensor(T, 8192)
        ),
        "AdamW": adamw,
        "all-reduce 1 MiB": lambda: reduce_sum(2**20),
        "all-reduce 16 MiB": lambda: reduce_sum(16 * 2**20),
    }


made = {}


def measure(name, calls):
    if name not in made:
        made[name] = measurements()[name]()
        made[name]()
    body = made[name]
    if RANKS > 1:
        dist.barrier()
    start = time.perf_counter()
    for _ in range(calls):
        body()
    return {"ms": (time.perf_counter() - start) * 1e3 / calls}


training = None
print(json.dumps({"torch": torch.__version__}), flush=True)
for line in sys.stdin:
    command = json.loads(line)
    if command["do"] == "measure":
        answer = measure(command["name"], command["calls"])
    else:
        training = training or Training()
        answer = training.step() if command["do"] == "step" else training.profile()
    print(json.dumps(answer), flush=True)
