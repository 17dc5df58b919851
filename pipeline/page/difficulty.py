"""Success against what makes problems hard: bins of about equal count, each with its share and interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.domain import Domain
from pipeline.intervals import Estimate, ratio
from pipeline.page.findings import Checkpoint, Findings
from pipeline.page.numbers import MISSING, interval, significant, value
from pipeline.page.parts import Cell, Table

MOST = 8
"""Bins of a number at most."""
CLASSES = 16
"""Classes that are shown: the most frequent ones, in their order."""
SLACK = 0.2
"""How far an edge may move to a rounder number, in bins."""

WORDS = ("prompt", "trace", "answer")


@dataclass(frozen=True)
class Bins:
    """A column cut into bins: their labels in order, and the bin of each row (null for none)."""

    labels: Sequence[str]
    places: pl.Series


@dataclass(frozen=True)
class Difficulty:
    """How the greedy answers of some checkpoints fare in each bin of a column."""

    name: str
    labels: Sequence[str]
    lines: dict[str, list[Estimate]]
    missing: int
    """Problems that are in no bin."""


def columns(domain: Domain, problems: pl.DataFrame) -> pl.DataFrame:
    """What makes each of the problems hard, a column each; without rows where the domain tells nothing."""
    return domain.difficulties(problems.drop(*WORDS, strict=False))


def difficulties(findings: Findings) -> tuple[list[Difficulty], list[str]]:
    """Success against every difficulty of the domain, and the names of those alike in all problems."""
    problems = findings.problems
    if problems is None:
        return [], []
    problems = problems.unique("problem_id", keep="first", maintain_order=True)
    found = columns(findings.domain, problems)
    made, alike = [], []
    for name in found.columns:
        cut = bins(found[name])
        if len(cut.labels) > 1:
            made.append(_difficulty(findings, name, cut, problems["problem_id"]))
        elif cut.labels:
            alike.append(f"{name} ({cut.labels[0]})")
    return made, alike


def _difficulty(findings: Findings, name: str, cut: Bins, ids: pl.Series) -> Difficulty:
    placed = pl.DataFrame({"problem_id": ids, "bin": cut.places})
    lines = {
        findings.label(each): _estimates(findings, each, placed, len(cut.labels))
        for each in findings.pictured
    }
    return Difficulty(name, cut.labels, lines, cut.places.null_count())


def _estimates(findings: Findings, entrant: Checkpoint, placed: pl.DataFrame, count: int) -> list[Estimate]:
    own = findings.greedy(entrant).join(placed, on="problem_id", how="inner")
    right = (own["verdict"] == "optimal").cast(pl.Float64)
    own = own.with_columns(right=right, one=pl.lit(1.0))
    parts = [own.filter(pl.col("bin") == at) for at in range(count)]
    return [ratio(part["right"], part["one"], part["split_key"], bounded=True) for part in parts]


def table(made: Difficulty) -> Table:
    """The same numbers to read: a row a bin."""
    first = next(iter(made.lines.values()))
    rows = [
        [
            Cell(label, strong=True),
            Cell(f"{first[at]['n']:,}", f"{first[at]['clusters']:,} clusters"),
            *[_cell(line[at]) for line in made.lines.values()],
        ]
        for at, label in enumerate(made.labels)
    ]
    return Table([made.name, "problems", *made.lines], rows, caption=f"success against {made.name}")


def _cell(found: Estimate) -> Cell:
    if found["value"] is None:
        return Cell(MISSING)
    return Cell(value(found["value"], "share"), interval(found["low"], found["high"], "share"))


def bins(column: pl.Series, few: int = MOST) -> Bins:
    """Numbers of more than `few` values in at most eight bins with round edges, classes in their order."""
    if column.dtype.is_numeric():
        return _numbers(column, few)
    return _classes(column)


def _classes(column: pl.Series) -> Bins:
    order = column.dtype.categories.to_list() if isinstance(column.dtype, pl.Enum) else None
    texts = column.cast(pl.String)
    counts = dict(texts.drop_nulls().value_counts(sort=True).iter_rows())
    kept = sorted(counts, key=lambda name: (-counts[name], name))[:CLASSES]
    labels = [name for name in (order or sorted(counts)) if name in kept]
    order_of = {name: at for at, name in enumerate(labels)}
    return Bins(labels, texts.replace_strict(order_of, default=None, return_dtype=pl.Int32))


def _numbers(column: pl.Series, few: int) -> Bins:
    numbers = column.cast(pl.Float64)
    numbers = numbers.set(~numbers.is_finite(), None)
    known = numbers.drop_nulls().to_numpy()
    values = np.unique(known)
    if len(values) <= few:
        known_as = {each: at for at, each in enumerate(values.tolist())}
        labels = _distinct([significant(each) for each in values.tolist()], values.tolist())
        return Bins(labels, numbers.replace_strict(known_as, default=None, return_dtype=pl.Int32))
    edges = _edges(known)
    whole = bool(np.all(known == np.rint(known)))
    held = np.searchsorted(edges, numbers.fill_null(np.inf).to_numpy(), side="right")
    places = pl.Series(held, dtype=pl.Int32)
    labels = _ranges([float(known.min()), *edges, float(known.max())], whole)
    return Bins(labels, pl.select(pl.when(numbers.is_not_null()).then(places)).to_series())


def _edges(known: NDArray[np.float64]) -> list[float]:
    """The inner edges: near each eighth the roundest number; a bin begins at its edge."""
    made: list[float] = []
    for at in range(1, MOST):
        near = (at - SLACK) / MOST, at / MOST, (at + SLACK) / MOST
        low, middle, high = (float(np.quantile(known, each)) for each in near)
        edge = _roundest(low, middle, high)
        above = known >= edge
        if (not made or edge > made[-1]) and above.any() and not above.all():
            made.append(edge)
    return made


def _roundest(low: float, middle: float, high: float) -> float:
    """The roundest number from low to high, the one closest to the middle where several are."""
    if low >= high:
        return middle
    power = 10.0 ** np.ceil(np.log10(max(abs(low), abs(high))))
    while power > 1e-300:
        for step in (power, power / 2, power / 5):
            nearest = float(np.rint(middle / step) * step)
            if low <= nearest <= high:
                return float(f"{nearest:.12g}")
        power /= 10
    return middle


def _ranges(edges: Sequence[float], whole: bool) -> list[str]:
    """A label a bin; bins of whole numbers end at the number before the next one begins."""
    made = []
    for at, (low, high) in enumerate(pairwise(edges)):
        last = high if at == len(edges) - 2 or not whole else high - 1
        made.append(significant(low) if low == last else f"{significant(low)}–{significant(last)}")
    return made


def _distinct(texts: Sequence[str], values: Sequence[float]) -> list[str]:
    """Four digits where they tell the values apart, all of them otherwise."""
    return list(texts) if len(set(texts)) == len(texts) else [f"{each:.12g}" for each in values]
