"""Inputs that need not be stored: element i of a wave is amplitude * sin(1.3 * i + phase) + shift.

Computed in float64 and rounded to float32, here and in test/golden/wave.ts alike.
"""

import math

import torch


def wave(shape, phase, amplitude=1.0, shift=0.0):
    count = math.prod(shape)
    values = [amplitude * math.sin(1.3 * i + phase) + shift for i in range(count)]
    # Through float32, so that both sides start from the same bits; the computation itself runs in float64.
    return torch.tensor(values, dtype=torch.float32).double().reshape(shape)


def rounded(tensor):
    """A flat list of 8 significant digits."""
    return [float(f"{value:.8g}") for value in tensor.detach().flatten().tolist()]
