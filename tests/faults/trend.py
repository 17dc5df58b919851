"""A line through samples that no outlier moves, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

AT_MOST = 400
"""Samples that are looked at, evenly spread over the run: pairs grow with their square."""


@dataclass(frozen=True)
class Trend:
    """A slope and its 95 % interval."""

    slope: float
    low: float
    high: float


def trend(times: Sequence[float], values: Sequence[float]) -> Trend:
    """The median slope of all pairs of samples (Theil 1950), with the interval of Sen (1968, section 4).

    Raises ValueError for fewer than four samples, of which nothing can be said.
    """
    if len(times) < 4:
        raise ValueError(f"{len(times)} samples have no trend")
    taken = np.unique(np.linspace(0, len(times) - 1, min(AT_MOST, len(times))).round().astype(int))
    x, y = np.asarray(times)[taken], np.asarray(values)[taken]
    first, second = np.triu_indices(len(x), 1)
    slopes = np.sort((y[second] - y[first]) / (x[second] - x[first]))
    n = len(x)
    spread = 1.96 * np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = int((len(slopes) - spread) // 2)
    edges = slopes[max(low, 0)], slopes[min(len(slopes) - 1 - low, len(slopes) - 1)]
    return Trend(float(np.median(slopes)), *map(float, edges))
