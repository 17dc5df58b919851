"""What of a data set's rows cards are made of: a few narrow columns, while the words stay on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from generators.domain import Domain
from pipeline import schema
from pipeline.artifact import Artifact

NARROW = ("trace_words", "cost", "verdict", "level")
MOST = 100_000
"""Rows of whose own columns statistics are made; of a larger data set some files stand for all."""


@dataclass(frozen=True)
class Light:
    """The written Parquet files `names` of an artifact, of declared columns."""

    artifact: Artifact
    names: Sequence[str]
    domain: Domain
    columns: Mapping[str, pl.DataType]

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The narrow columns of every row, with the `file` and `place` that it stands at."""
        wanted = [*NARROW, *(name for name in ("previous_words", "origin") if name in self.columns)]
        parts = [
            pl.read_parquet(self.artifact.path(name), columns=wanted, glob=False)
            .cast({each: self.columns[each] for each in wanted})
            .with_columns(file=pl.lit(at, pl.UInt32), place=pl.int_range(pl.len(), dtype=pl.UInt32))
            for at, name in enumerate(self.names)
        ]
        return pl.concat(parts)

    @cached_property
    def difficulties(self) -> pl.DataFrame:
        """What makes the problems hard, of some files where there are very many rows."""
        step = max(1, len(self.rows) // MOST)
        wanted = [*dict.fromkeys((*self.domain.columns, "cost", "trace_words"))]
        parts = [schema.read(self.artifact.path(name), self.columns, wanted) for name in self.names[::step]]
        return self.domain.difficulties(pl.concat(parts))

    def row(self, file: int, place: int) -> dict[str, Any]:
        """One row, whole."""
        found = pl.scan_parquet(self.artifact.path(self.names[file]), glob=False).select(list(self.columns))
        return found.slice(place, 1).collect().row(0, named=True)
