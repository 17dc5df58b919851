"""Elo difference of two players from the scores of paired games, with an interval by likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

QUANTILE = 3.841458820694124
"""Of the chi-square distribution with one degree of freedom, at 95 %."""

STEPS = 100
"""Of a bisection: more than the digits of a float."""


@dataclass(frozen=True)
class Elo:
    """A difference with the ends of its 95 % interval; infinite where the games set no bound."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As a person reads it: `+35 (-40 to +112)`, or the one bound that there is."""
        if math.isinf(self.low) and math.isinf(self.high):
            return "unknown"
        if math.isinf(self.high):
            return f"{_signed(self.value)}above {self.low:+.0f}"
        if math.isinf(self.low):
            return f"{_signed(self.value)}below {self.high:+.0f}"
        return f"{self.value:+.0f} ({self.low:+.0f} to {self.high:+.0f})"


def _signed(value: float) -> str:
    return "" if math.isinf(value) else f"{value:+.0f}, "


def elo(shares: Sequence[float]) -> Elo:
    """The difference that mean scores of pairs of games (0, 1/4, ..., 1) speak for.

    Two games from one opening are not independent, so a pair is the unit: the distribution over the five
    scores of a pair is free, and the interval holds the means whose profile likelihood is within the 95 %
    quantile of the best one (Owen, Biometrika 75, 1988, with the whole support 0 to 1). No pair: no bound.
    """
    if not shares:
        return Elo(0.0, -math.inf, math.inf)
    mean = math.fsum(shares) / len(shares)

    def outside(share: float) -> bool:
        return deficit(shares, share) > QUANTILE

    low = _edge(outside, 0.0, mean) if mean > 0 else 0.0
    high = _edge(outside, 1.0, mean) if mean < 1 else 1.0
    return Elo(difference(mean), difference(low), difference(high))


def difference(share: float) -> float:
    """400 log10(s / (1 - s)) of an expected score s; infinite at 0 and 1."""
    if not 0 < share < 1:
        return math.copysign(math.inf, share - 0.5)
    return 400 * math.log10(share / (1 - share))


def deficit(shares: Sequence[float], mean: float) -> float:
    """Twice the log-likelihood that the best distribution with this mean lacks against the best of all.

    By duality 2 max over m of sum log(1 + m (x - mean)), m such that no score from 0 to 1 has a negative
    weight (Owen 1988, equation 2.3); `mean` lies between 0 and 1, both excluded.
    """
    gaps = [share - mean for share in shares]

    def falling(m: float) -> bool:
        return math.fsum(gap / max(1 + m * gap, 1e-300) for gap in gaps) < 0

    best = _edge(falling, 1 / mean, -1 / (1 - mean))
    return 2 * math.fsum(math.log(max(1 + best * gap, 1e-300)) for gap in gaps)


def _edge(holds: Callable[[float], bool], end: float, start: float) -> float:
    """Where `holds` begins to be true on the way from `start` to `end`; `end` if it never is."""
    for _ in range(STEPS):
        middle = (start + end) / 2
        start, end = (start, middle) if holds(middle) else (middle, end)
    return end
