"""A few whole rows out of many: first their places by a column or two, then these rows alone.

Filtering whole rows would read the words of all row groups that a condition does not rule out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

FILE, AT = "file of the row", "place of the row"

Narrow = Callable[[pl.LazyFrame], pl.LazyFrame]
"""Leaves of rows the ones that are wanted."""


def by_id(ids: Sequence[str]) -> Narrow:
    """The rows of problems."""
    wanted = pl.col("problem_id") == ids[0] if len(ids) == 1 else pl.col("problem_id").is_in(list(ids))
    return lambda scan: scan.filter(wanted)


def picked(paths: Sequence[Path], narrow: Narrow, most: int) -> list[dict[str, Any]]:
    """The first wanted rows with all of their columns."""
    if not most:
        return []
    # Counted through all files: a condition may compare a row with the others, as cost = MAX(cost) does.
    places = narrow(pl.scan_parquet(list(paths), row_index_name=AT, glob=False)).select(AT).head(most)
    whole = pl.scan_parquet(list(paths), glob=False)
    found = [whole.slice(at, 1).collect() for at in places.collect(engine="streaming")[AT]]
    return [row for frame in found for row in frame.to_dicts()]
