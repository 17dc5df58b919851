"""How full packed rows are, and how fast they are planned and gathered."""

from __future__ import annotations

from itertools import islice
from time import process_time

import numpy as np
from numpy.typing import NDArray

from trainers.batches import Plan

SPREAD = 0.6


def maze_lengths(rows: int = 20_000, prompt: int = 1_060, response: int = 1_474) -> NDArray[np.int64]:
    """Document lengths with the published means of 30x30 mazes."""
    rng = np.random.default_rng(0)
    responses = rng.lognormal(np.log(response) - SPREAD**2 / 2, SPREAD, rows)
    prompts = rng.normal(prompt, prompt * 0.05, rows)
    return (prompts + responses).astype(np.int64)


def short_lengths(rows: int = 20_000) -> NDArray[np.int64]:
    """Document lengths of about 110 tokens, as small mazes have."""
    drawn = np.random.default_rng(0).lognormal(np.log(110) - 0.08, 0.4, rows)
    return drawn.astype(np.int64).clip(16, 512)


def measure(lengths: NDArray[np.int64], batch_tokens: int) -> tuple[float, float]:
    """The share of real tokens over two epochs, and the CPU seconds to plan a million documents."""
    count = 2 * int(lengths.sum()) // batch_tokens
    before = process_time()
    rows = list(islice(Plan(lengths, batch_tokens, seed=0).rows(), count))
    seconds = process_time() - before
    real = sum(int(lengths[row].sum()) for row in rows)
    return real / (count * batch_tokens), seconds / sum(map(len, rows)) * 1e6


def compare() -> dict[str, float]:
    """Shares of real tokens; the target at 30x30 is 0.97."""
    large, seconds = measure(maze_lengths(), 16_384)
    small, _ = measure(short_lengths(), 2_048)
    return {
        "packing 30x30, rows of 16,384: share of real tokens": large,
        "packing 110-word documents, rows of 2,048: share of real tokens": small,
        "packing: CPU seconds to plan a million documents": seconds,
    }


if __name__ == "__main__":
    for name, value in compare().items():
        print(f"{name:66} {value:10.4f}")
