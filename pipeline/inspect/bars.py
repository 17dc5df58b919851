"""Figures made of characters: histograms and curves for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rich.text import Text

EIGHTHS = " ▏▎▍▌▋▊▉█"
RISING = "▁▂▃▄▅▆▇█"
WIDTH = 44


def bar(share: float, width: int = WIDTH) -> str:
    """A bar of `width` characters at a share of 1, drawn to an eighth of a character."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    if share > 0:
        eighths = max(eighths, 1)
    full, rest = divmod(eighths, 8)
    return "█" * full + (EIGHTHS[rest] if rest else "")


def histogram(values: ArrayLike, bins: int = 12) -> Text:
    """Counts of whole numbers in ranges of equal, round width, a line a range."""
    numbers: NDArray[np.int64] = np.asarray(values, np.int64)
    edges = ranges(int(numbers.min()), int(numbers.max()), bins)
    counts, _ = np.histogram(numbers, edges)
    labels = [f"{low:,}–{high - 1:,}" if high - low > 1 else f"{low:,}" for low, high in pairwise(edges)]
    wide, tallest = max(map(len, labels)), max(int(counts.max()), 1)
    drawn = Text()
    for label, count in zip(labels, counts.tolist(), strict=True):
        drawn.append(f"  {label:>{wide}}  ", style="dim")
        drawn.append(bar(count / tallest), style="cyan")
        drawn.append(f" {count:,}\n" if count else "\n")
    return drawn


def ranges(low: int, high: int, bins: int) -> list[int]:
    """Edges of at most `bins` + 1 ranges whose width is 1, 2 or 5 times a power of ten."""
    width = next(
        step * 10**power
        for power in range(20)
        for step in (1, 2, 5)
        if (high - low + 1) <= bins * step * 10**power
    )
    return list(range(low // width * width, high + width + 1, width))


def sparkline(values: Sequence[float], width: int = 32) -> str:
    """A curve of one line: means of equal groups, the lowest value lowest."""
    if not values:
        return ""
    groups = np.array_split(np.asarray(values, np.float64), min(width, len(values)))
    means = np.array([group.mean() for group in groups])
    spread = float(means.max() - means.min()) or 1.0
    return "".join(RISING[int(place)] for place in (means - means.min()) / spread * (len(RISING) - 1))
