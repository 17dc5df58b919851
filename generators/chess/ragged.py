"""Lists of one entry a legal move as flat arrays with row offsets, and what is taken over each row."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from generators.words import Offsets

Number = TypeVar("Number", bound=np.generic)


def row_offsets(lists: pl.Series) -> Offsets:
    """Where each row of a list column begins among all entries; a null row is an empty one."""
    offsets = np.zeros(len(lists) + 1, np.int64)
    np.cumsum(lists.list.len().fill_null(0).to_numpy(), out=offsets[1:])
    return offsets


def flat(lists: pl.Series, dtype: type[Number]) -> NDArray[Number]:
    """All entries of a list column, row after row; a null entry is 0."""
    entries = lists.explode(empty_as_null=False, keep_nulls=False)
    return np.asarray(entries.fill_null(0).to_numpy(), dtype)


def lists(entries: NDArray[np.generic] | pl.Series, offsets: Offsets, name: str = "") -> pl.Series:
    """The inverse of `flat`: rows `entries[offsets[i]:offsets[i + 1]]`, of numbers or of lists again."""
    told = entries.to_arrow() if isinstance(entries, pl.Series) else pa.array(entries)
    arrow = pa.LargeListArray.from_arrays(pa.array(offsets), told)
    return pl.Series(name, pl.from_arrow(arrow))


def row_maxima(entries: NDArray[np.float64], offsets: Offsets) -> NDArray[np.float64]:
    """The largest entry of each row; no row may be empty."""
    return np.asarray(np.maximum.reduceat(entries, offsets[:-1])) if len(offsets) > 1 else np.zeros(0)


def first_maxima(entries: NDArray[np.float64], offsets: Offsets) -> NDArray[np.int64]:
    """The place of each row's largest entry, the first of equals; no row may be empty."""
    places = np.flatnonzero(entries == np.repeat(row_maxima(entries, offsets), np.diff(offsets)))
    return np.asarray(places[np.searchsorted(places, offsets[:-1])])


def row_means(entries: NDArray[np.float64], offsets: Offsets) -> NDArray[np.float64]:
    """The mean of each row; no row may be empty."""
    sums = np.add.reduceat(entries, offsets[:-1]) if len(offsets) > 1 else np.zeros(0)
    return np.asarray(sums / np.diff(offsets))
