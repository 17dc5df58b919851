"""Attention over ragged slots: the same bits from a kernel that was just compiled and from numba's cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STEPS = """
import numpy as np
from trainers.ragged import attend

rng = np.random.default_rng(0)
slots, heads, size, window = 8, 4, 16, 128
numbers = lambda *shape: rng.standard_normal(shape).astype(np.float32)
keys, values = numbers(slots, 1, size, window), numbers(slots, 1, size, window)
out, none, one = np.zeros((slots, heads, size), np.float32), np.zeros(0, np.float32), np.float32(1)
cos, sin, positions = numbers(window, size), numbers(window, size), np.arange(slots) * 7 + 3
for step in range(5):
    projected = numbers(slots, (heads + 2) * size)
    attend(projected, positions + step, cos, sin, none, none, one, one, keys, values, out)
    print(out.tobytes().hex())
"""


def test_a_cached_kernel_gives_the_bits_of_a_fresh_one(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    fresh, cached = (
        subprocess.run(
            [sys.executable, "-c", STEPS], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    )
    assert fresh
    assert fresh == cached
