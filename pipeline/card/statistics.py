"""The statistics of a data set as Markdown tables: counts, lengths, what makes its problems hard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pipeline.card.light import Light
from pipeline.card.markdown import table, text
from pipeline.page.numbers import MISSING, significant

CLASSES = 12
"""Classes of a difficulty that are listed."""


def counts(rows: pl.DataFrame, columns: Sequence[str], titles: Sequence[str]) -> str:
    """How many rows have which values of some columns, the most frequent first."""
    found = (
        rows.group_by(columns)
        .agg(rows=pl.len())
        .sort("rows", *columns, descending=[True, *[False] * len(columns)])
    )
    lines = [
        [
            *(MISSING if value is None else text(value) for value in line[:-1]),
            f"{line[-1]:,}",
            share(line[-1], len(rows)),
        ]
        for line in found.iter_rows()
    ]
    return table([*titles, "rows", "share"], lines, left=len(columns))


def splits(rows: Mapping[str, int]) -> str:
    """Rows by split."""
    total = sum(rows.values())
    return table(["split", "rows", "share"], [[name, f"{n:,}", share(n, total)] for name, n in rows.items()])


def left_out(reasons: Mapping[str, int], drawn: int) -> str:
    """What was rejected, by reason; duplicates always have a line."""
    counted = {"duplicate": 0, **reasons}
    lines = [[text(reason), f"{n:,}", share(n, drawn)] for reason, n in counted.items()]
    return table(["left out because", "rows", "of all drawn"], lines)


def spread(light: Light) -> str:
    """Least, quartiles, most and mean of lengths, costs and numeric difficulties; shares of their classes."""
    narrow = light.rows.select("trace_words", "cost").rename({"trace_words": "trace words"})
    hard = light.difficulties
    again = [name for name in hard.columns if name in narrow.columns]
    series = [*narrow.get_columns(), *hard.drop(again).get_columns()]
    numbers = [each for each in series if each.dtype.is_numeric() and each.count()]
    lines = [[text(each.name), *map(_figure, _summary(each)), _unknown(each)] for each in numbers]
    head = ["measure", "least", "25 %", "median", "75 %", "most", "mean", "unknown"]
    classes = [each for each in series if not each.dtype.is_numeric() and each.count()]
    parts = [table(head, lines) if lines else "", *map(_shares, classes)]
    return "\n\n".join(part for part in parts if part)


def share(part: int, whole: int) -> str:
    """A percentage of a count."""
    return f"{part / whole:.1%}" if whole else MISSING


def _summary(series: pl.Series) -> list[Any]:
    quartiles = [series.quantile(at, "nearest") for at in (0.25, 0.5, 0.75)]
    return [series.min(), *quartiles, series.max(), series.mean()]


def _figure(number: Any) -> str:
    return MISSING if number is None else significant(float(number))


def _unknown(series: pl.Series) -> str:
    return share(series.null_count(), len(series)) if series.null_count() else MISSING


def _shares(series: pl.Series) -> str:
    """The classes of a difficulty in their order, as far as there is room."""
    found = series.to_frame("class").group_by("class").agg(rows=pl.len()).sort("class", nulls_last=True)
    listed = [
        f"{'unknown' if name is None else text(name)} {share(n, len(series))}"
        for name, n in found.head(CLASSES).iter_rows()
    ]
    more = f", and {len(found) - CLASSES:,} more" if len(found) > CLASSES else ""
    return f"{text(series.name[:1].upper() + series.name[1:])}: {', '.join(listed)}{more}."
