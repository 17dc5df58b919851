"""Rows of a finished data set, split by split."""

from __future__ import annotations

import polars as pl

from generators.domain import Domain
from pipeline import schema
from pipeline.artifact import Artifact
from pipeline.errors import Refusal


def split_rows(source: Artifact, domain: Domain, split: str, first: int | None) -> pl.DataFrame:
    """The first rows of a split of a finished data set, or all of them."""
    columns = schema.dataset(domain)
    parts: list[pl.DataFrame] = []
    have = 0
    for name in source.names(f"data/{split}-*.parquet"):
        if first is not None and have >= first:
            break
        parts.append(schema.read(source.verified(name), columns))
        have += len(parts[-1])
    if not parts:
        raise Refusal(
            f"the data set {source.place} has no {split} rows: generate more, or raise curate.{split}"
        )
    rows = pl.concat(parts)
    return rows if first is None else rows.head(first)
