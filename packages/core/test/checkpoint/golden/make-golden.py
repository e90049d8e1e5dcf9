"""Writes the golden files of the safetensors tests, with safetensors 0.8.0, numpy 2.4.6 and ml_dtypes 0.6.0.

    python -m venv venv && venv/bin/pip install safetensors numpy ml_dtypes
    venv/bin/python make-golden.py
"""
import json
from pathlib import Path

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

here = Path(__file__).parent
floats = np.array(
    [0.0, -0.0, 1.0, -1.5, 3.14159265, 1e-8, 6.1e-5, 5.96e-8, 2.98e-8, 3e-8, 65504.0, 65519.0, 65520.0, -7e4, 1e38, 3.4e38,
     np.inf, -np.inf, np.nan, 1.00048828125, 1.00146484375, 1.00390625, 1.01171875], dtype=np.float32)
tensors = {
    "a.f32": np.arange(6, dtype=np.float32).reshape(2, 3) / 4 - 1,
    "b.f32 scalar": np.array(-2.5, dtype=np.float32),
    "c.i32": np.array([[-(2**31), 2**31 - 1], [0, 7]], dtype=np.int32),
    "d.f32 empty": np.zeros((0, 5), dtype=np.float32),
    "e.bool": np.array([True, False, True], dtype=np.bool_),
}
save_file(tensors, here / "plain.safetensors", metadata={"made": "by Python", "quoted": 'a "b" \\ é'})
with np.errstate(over="ignore"):
    halves = {"f16": floats.astype(np.float16), "bf16": floats.astype(ml_dtypes.bfloat16)}
others = {
    **halves,
    "f64": np.array([0.5, -3.0, 2.0**100], dtype=np.float64),
    "f64 inexact": np.array([0.5, 0.1], dtype=np.float64),
    "i64": np.array([-(2**31), 5], dtype=np.int64),
    "i64 large": np.array([1, 2**31], dtype=np.int64),
    "u8": np.array([0, 255], dtype=np.uint8),
    "i8": np.array([-128, 127], dtype=np.int8),
    "i16": np.array([-32768, 32767], dtype=np.int16),
    "u16": np.array([65535], dtype=np.uint16),
    "u32": np.array([2**31 - 1], dtype=np.uint32),
}
save_file(others, here / "dtypes.safetensors")
words = {name: [int(word) for word in array.view(np.uint16)] for name, array in halves.items()}
bits = [int(word) for word in floats.view(np.uint32)]
exact = {name: [int(word) for word in array.astype(np.float32).view(np.uint32)] for name, array in halves.items()}
(here / "halves.json").write_text(json.dumps({"float32Bits": bits, "words": words, "exactBits": exact}) + "\n")
