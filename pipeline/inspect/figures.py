"""Counts of classes and lengths, as tables and bars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl
import pyarrow as pa
from rich.markup import escape

from pipeline.console import OUT, table
from pipeline.inspect.bars import histogram
from pipeline.inspect.survey import Counted
from pipeline.inspect.texts import cut

COUNTED = ("split", "verdict", "level", "reason", "origin", "arm", "round", "ended", "seen_in_training")
"""Columns of few values, which are counted; those of the type class are, too."""

ACROSS = (("split",), ("arm", "round"))
"""What verdicts are told apart by, where the columns are there."""

LENGTH = "trace_words"
MOST = 8
"""Values of a column that are named."""

Counts = Mapping[str | None, int]


def counted(kind: pa.Schema) -> list[str]:
    """The columns whose values are counted, in order."""
    classes = [field.name for field in kind if pa.types.is_dictionary(field.type)]
    return [*[name for name in COUNTED if name in kind.names], *[n for n in classes if n not in COUNTED]]


def show(found: Counted, names: Sequence[str]) -> None:
    """Print how often each value occurs, verdicts by split or checkpoint, and the lengths of traces."""
    frame = found.frame
    among = f"in {found.sample}" if found.sample else ""
    exact = {name: _sorted(found.exact[name].items()) for name in names if name in found.exact}
    rest = {name: _counts(frame, name) for name in names if name not in exact}
    if not found.sample:
        exact, rest = {name: exact.get(name) or rest[name] for name in names}, {}
    for title, group in (("", exact), (among, rest)):
        lines = [[name, escape(_told(counts))] for name, counts in group.items()]
        if lines:
            title = f"{title} ({len(frame):,} rows)" if title else ""
            OUT.print(table("", ["counts", title], lines, left=2))
    _verdicts(found, among)
    if LENGTH in frame.columns:
        _lengths(frame[LENGTH].drop_nulls(), among)


def _counts(frame: pl.DataFrame, name: str) -> dict[str | None, int]:
    ordered = frame.select(pl.col(name).cast(pl.String)).group_by(name).len().iter_rows()
    return _sorted(ordered)


def _sorted(counts: Iterable[tuple[str | None, int]]) -> dict[str | None, int]:
    """The most frequent value first, null last."""
    return dict(sorted(counts, key=lambda pair: (pair[0] is None, -pair[1], str(pair[0]))))


def _told(counts: Counts) -> str:
    total = sum(counts.values())
    cells = [
        f"{'null' if value is None else cut(value, 40)} {count:,} ({count / total:.1%})"
        for value, count in counts.items()
    ]
    return ", ".join(cells[:MOST]) + (f", {len(cells) - MOST:,} more" if len(cells) > MOST else "")


def _verdicts(found: Counted, among: str) -> None:
    """Verdicts by split, or by checkpoint, where there are several of both."""
    frame = found.frame
    for names in ACROSS:
        if not {*names, "verdict"} <= set(frame.columns):
            continue
        texts = [pl.col(name).cast(pl.String) for name in (*names, "verdict")]
        pairs = frame.select(texts).group_by(*names, "verdict").len()
        verdicts = [each for each in _counts(frame, "verdict") if each is not None]
        if len(verdicts) < 2 or len(pairs.unique(names)) < 2:
            continue
        wide = pairs.pivot("verdict", index=list(names), values="len").fill_null(0).sort(names)
        lines = []
        for row in wide.iter_rows(named=True):
            total = sum(row[name] for name in verdicts)
            shares = [f"{row[name]:,} ({row[name] / max(total, 1):.0%})" for name in verdicts]
            lines.append([cut(" ".join(str(row[name]) for name in names), 24), *shares])
        title = f"verdicts by {' and '.join(names)} {among}".rstrip()
        OUT.print(table(title, ["", *verdicts], lines))


def _lengths(lengths: pl.Series, among: str) -> None:
    """A histogram of the trace lengths."""
    if len(lengths):
        values = lengths.to_numpy()
        middle = f"mean {float(values.mean()):,.1f}, median {float(np.median(values)):,.0f}"
        OUT.print(f"[bold]trace words[/bold]  {middle} {among}".rstrip())
        OUT.print(histogram(values))
