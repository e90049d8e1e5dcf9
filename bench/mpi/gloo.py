"""The loop of program.ts with PyTorch's gloo: collective:bytes:calls ... samples -> microseconds (or null), a line each.

Started as: gloo.py RANKS CASE... SAMPLES. Starts the ranks itself. A collective that gloo does not have is null.
"""

import json
import os
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")

import torch
import torch.distributed as dist
import torch.multiprocessing as processes


def call_of(collective, bytes, size):
    length = bytes // 4
    piece = max(1, length // size)
    whole, part = torch.ones(piece * size), torch.zeros(piece)
    if collective == "allReduce":
        buffer = torch.zeros(length)
        return lambda: dist.all_reduce(buffer)
    if collective == "allGather":
        return lambda: dist.all_gather_into_tensor(whole, part)
    if collective == "reduceScatter":
        return lambda: dist.reduce_scatter_tensor(part, whole)
    if collective == "allToAll":
        into = torch.zeros(piece * size)
        return lambda: dist.all_to_all_single(into, whole)
    if collective == "broadcast":
        buffer = torch.zeros(length)
        return lambda: dist.broadcast(buffer, 0)
    if collective == "barrier":
        return dist.barrier
    raise ValueError(collective)


def measure(case, samples, size):
    collective, bytes, calls = case.split(":")
    body, calls = call_of(collective, int(bytes), size), int(calls)
    try:
        for _ in range(max(20, calls // 4)):
            body()
    except (RuntimeError, NotImplementedError):
        return None
    times = []
    for _ in range(samples):
        dist.barrier()
        start = time.perf_counter()
        for _ in range(calls):
            body()
        own = torch.tensor([(time.perf_counter() - start) * 1e6 / calls])
        dist.all_reduce(own, op=dist.ReduceOp.MAX)
        times.append(own.item())
    return sorted(times)[samples // 2]


def run(rank, size, store, cases, samples):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=size)
    for case in cases:
        figure = measure(case, samples, size)
        if rank == 0:
            print(json.dumps(figure), flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    size, cases, samples = int(sys.argv[1]), sys.argv[2:-1], int(sys.argv[-1])
    with tempfile.TemporaryDirectory() as folder:
        processes.spawn(run, (size, f"{folder}/store", cases, samples), nprocs=size)
