"""Ratios of sums over problems, and their paired differences, with 95 % intervals that know of clusters."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import TypedDict

import numpy as np
import polars as pl
from numpy.typing import NDArray

CONFIDENCE = 0.95


class Estimate(TypedDict):
    """A value, its 95 % interval, on how many problems and clusters it rests; null where there are none."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int


def ratio(top: pl.Series, bottom: pl.Series, cluster: pl.Series, *, bounded: bool) -> Estimate:
    """sum(top) / sum(bottom) over problems with its 95 % interval, clustered.

    The variance is the linearised one of a ratio of cluster totals (Cochran, Sampling Techniques, 1977,
    chapter 6; Cameron and Miller, J. Human Resources, 2015), with Student's t on clusters - 1 degrees of
    freedom. A `bounded` value takes Wilson's interval at its effective sample size (Franco, Little, Louis and
    Slud, J. Survey Statistics and Methodology, 2019), which never leaves [0, 1]; where no cluster differs
    from the others, as at 0 and 1, a cluster counts as one observation, so that the interval does not
    collapse. One cluster alone has no interval.
    """
    frame = pl.DataFrame({"top": top, "bottom": bottom, "cluster": cluster})
    counted = frame.drop_nulls().filter(pl.col("bottom") > 0)
    totals = counted.group_by("cluster", maintain_order=True).agg(pl.col("top", "bottom").sum())
    clusters = len(totals)
    if clusters == 0:
        return Estimate(value=None, low=None, high=None, n=0, clusters=0)
    rate = _Rate.of(totals["top"], totals["bottom"])
    low, high = rate.interval(bounded=bounded)
    return Estimate(value=rate.value, low=low, high=high, n=len(counted), clusters=clusters)


def difference(first: pl.DataFrame, second: pl.DataFrame, cluster: pl.Series, *, bounded: bool) -> Estimate:
    """The ratio of `second` minus that of `first` over the same problems, with its 95 % interval, clustered.

    Both frames have the columns `top` and `bottom` of `ratio`, row for row of the same problems; a problem
    counts where both have their terms. The interval of unbounded values is that of `ratio` with the
    difference of both linearised ratios in a cluster as its residual: Student's t of a paired difference.
    Shares take the square-and-add interval of Newcombe (Statistics in Medicine 17, 1998, method 10; Zou and
    Donner, Statistics in Medicine 27, 2008), from the clustered Wilson intervals of both sides and the
    correlation between them: it stays in [-1, 1] and does not collapse where no answer differs. Newcombe's
    continuity correction of the correlation is taken at the effective sample sizes.
    """
    sides = {"top a": first["top"], "bottom a": first["bottom"]}
    sides |= {"top b": second["top"], "bottom b": second["bottom"]}
    frame = pl.DataFrame({**sides, "cluster": cluster}).drop_nulls()
    counted = frame.filter(pl.col("bottom a") > 0, pl.col("bottom b") > 0)
    totals = counted.group_by("cluster", maintain_order=True).agg(pl.col(*sides).sum())
    clusters = len(totals)
    if clusters == 0:
        return Estimate(value=None, low=None, high=None, n=0, clusters=0)
    before, after = (_Rate.of(totals[f"top {side}"], totals[f"bottom {side}"]) for side in "ab")
    value = after.value - before.value
    if clusters == 1:
        return Estimate(value=value, low=None, high=None, n=len(counted), clusters=1)
    low, high = _square_and_add(before, after) if bounded else _paired_t(before, after)
    return Estimate(value=value, low=low, high=high, n=len(counted), clusters=clusters)


@dataclass(frozen=True)
class _Rate:
    """A ratio of cluster totals with what each cluster adds to its error."""

    value: float
    residuals: NDArray[np.float64]
    weight: float
    positive: bool
    """Whether no cluster has anything below 0."""

    @classmethod
    def of(cls, top: pl.Series, bottom: pl.Series) -> _Rate:
        tops, bottoms = top.to_numpy(), bottom.to_numpy()
        value = float(tops.sum() / bottoms.sum())
        return cls(value, tops - value * bottoms, float(bottoms.sum()), bool(tops.min() >= 0))

    @property
    def clusters(self) -> int:
        return len(self.residuals)

    @property
    def variance(self) -> float:
        return self.covariance(self)

    @property
    def size(self) -> float:
        """The effective sample size of a share; a cluster is one observation where none differs."""
        spread = self.variance
        return self.clusters if spread < 1e-12 else self.value * (1 - self.value) / spread

    def covariance(self, other: _Rate) -> float:
        shared = float((self.residuals * other.residuals).sum())
        return self.clusters / (self.clusters - 1) * shared / (self.weight * other.weight)

    def interval(self, *, bounded: bool) -> tuple[float | None, float | None]:
        if self.clusters == 1:
            return None, None
        if bounded:
            return _wilson(self)
        half = _t_quantile(self.clusters - 1) * math.sqrt(self.variance)
        # What is never below 0 of a cluster is not so on the whole.
        return max(self.value - half, 0.0 if self.positive else -math.inf), self.value + half


def _wilson(rate: _Rate) -> tuple[float, float]:
    """Wilson's interval at the effective sample size, narrowed by the degrees of freedom."""
    z, t, value = _normal_quantile(), _t_quantile(rate.clusters - 1), rate.value
    size = rate.size * (z / t) ** 2
    spread = z / size * math.sqrt(size * value * (1 - value) + z * z / 4)
    centre, scale = value + z * z / (2 * size), 1 + z * z / size
    return min(max((centre - spread) / scale, 0.0), value), max(min((centre + spread) / scale, 1.0), value)


def _paired_t(before: _Rate, after: _Rate) -> tuple[float, float]:
    variance = before.variance - 2 * before.covariance(after) + after.variance
    half = _t_quantile(before.clusters - 1) * math.sqrt(max(variance, 0.0))
    value = after.value - before.value
    return value - half, value + half


def _square_and_add(before: _Rate, after: _Rate) -> tuple[float, float]:
    value, related = after.value - before.value, _correlation(before, after)
    (low_a, high_a), (low_b, high_b) = _wilson(before), _wilson(after)

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(one * one - 2 * related * one * other + other * other, 0.0))

    low = value - reach(after.value - low_b, high_a - before.value)
    high = value + reach(high_b - after.value, before.value - low_a)
    return max(low, -1.0), min(high, 1.0)


def _correlation(before: _Rate, after: _Rate) -> float:
    """Of two shares, corrected for continuity where it is positive; 0 where one of them does not vary."""
    if min(before.variance, after.variance) < 1e-12:
        return 0.0
    shared = before.covariance(after)
    if shared > 0:
        shared = max(shared - 1 / (2 * before.size * after.size), 0.0)
    return max(-1.0, min(shared / math.sqrt(before.variance * after.variance), 1.0))


def over_runs(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """The mean of independent runs and its 95 % interval: Student's t with n - 1 degrees of freedom.

    One run alone has no interval. The interval of a share is not cut at 0 and 1.
    """
    mean = statistics.fmean(values)
    if len(values) == 1:
        return mean, None, None
    half = _t_quantile(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def _normal_quantile() -> float:
    return NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@cache
def _t_solved(freedom: int) -> float:
    """The quantile from the probability between -t and t, found by halving; it lies below 12.8."""
    low, high = 0.0, 13.0
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if _t_between(middle, freedom) < CONFIDENCE else (low, middle)
    return middle


def _t_between(t: float, freedom: int) -> float:
    """The probability of Student's t between -t and t (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    square = math.cos(angle) ** 2
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for at in range(freedom // 2):
        total += term
        term *= square * (2 * at + 1 + odd) / (2 * at + 2 + odd)
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total


def _t_quantile(freedom: int) -> float:
    """The two-sided quantile of Student's t at `CONFIDENCE`.

    To the last digits up to 30 degrees of freedom; beyond, the Cornish-Fisher expansion (Abramowitz and
    Stegun 26.7.5), which is right to seven digits there.
    """
    if freedom <= 30:
        return _t_solved(freedom)
    z, v = _normal_quantile(), freedom
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4)
    )
