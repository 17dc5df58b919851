"""What a page lists of one artifact, and the rows of it that can be played."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from generators.domain import Domain

Row = Mapping[str, Any]

COLUMNS: Mapping[str, pl.DataType] = {
    "problem_id": pl.String(),
    "by": pl.String(),  # whose trace it is
    "sample": pl.Int32(),  # -1: greedy; null: of a data set
    "split": pl.String(),
    "verdict": pl.String(),
    "level": pl.String(),
    "words": pl.Int32(),
    "teacher_words": pl.Int32(),
    "steps": pl.Int32(),
    "departure": pl.Int32(),
    "why": pl.String(),
    "answer_why": pl.String(),
}
"""The columns of a list; null where a thing does not apply or is not known."""


@dataclass(frozen=True)
class Listing:
    """The listed rows of an artifact, in the order in which a reader should see them."""

    name: str
    kind: str
    """`evaluation` or `data`."""
    domain: Domain
    notation: str | None
    rows: pl.DataFrame
    """`COLUMNS`."""
    played: pl.DataFrame
    """Of the rows to play: `place` (in `rows`), the `key` of their problem, and what differs from it."""
    problems: pl.DataFrame
    """The solved problems of those rows, by `key`."""
    note: str = ""
    """Why rows cannot be played, where that has a cause of its own."""

    def plays(self) -> Iterator[tuple[Row, Sequence[tuple[int, Row]]]]:
        """Each problem with the teacher's trace, and its responses with their places in the list."""
        keys = self.played.select("key").unique(maintain_order=True)
        ranked = keys.join(self.problems, on="key", how="inner", maintain_order="left")
        for problem in ranked.iter_rows(named=True):
            own = self.played.filter(pl.col("key") == problem["key"])
            teacher = {**problem, "scores": None, "notation": self.notation}
            yield teacher, [(row["place"], {**teacher, **row}) for row in own.iter_rows(named=True)]


def listed(rows: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    """The columns of a list out of a frame: by their names, or as given; null where there is none."""
    there = {name: pl.col(name) for name in COLUMNS if name in rows.columns} | columns
    return rows.select(there.get(name, pl.lit(None)).cast(kind).alias(name) for name, kind in COLUMNS.items())
