"""Columns of words: `List(Enum)` series from flat codes and back, without touching a string per word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

UNKNOWN = np.uint16(0xFFFF)
"""Stands for a word outside the alphabet asked for."""

SPECIALS = ("pad", "bos", "eos")
"""Words that every vocabulary has in front of a notation's alphabet; a response may hold stray ones."""

Codes = NDArray[np.uint16]
Offsets = NDArray[np.int64]


def word_type(alphabet: Sequence[str]) -> pl.List:
    """The polars type of a column of words over `alphabet`."""
    return pl.List(pl.Enum(alphabet))


def words(codes: Codes, offsets: Offsets, alphabet: Sequence[str], name: str = "") -> pl.Series:
    """The rows `codes[offsets[i]:offsets[i + 1]]` as a series of type `List(Enum(alphabet))`."""
    lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(codes))
    series = pl.Series(name, pl.from_arrow(lists))
    return series.list.eval(pl.element().cat.to(pl.Enum(alphabet)))


def codes(series: pl.Series, alphabet: Sequence[str]) -> tuple[Codes, Offsets]:
    """Flat positions in `alphabet` and row offsets of a word column, `UNKNOWN` for words outside it.

    Takes `List(Enum)`, `List(Categorical)` and `List(String)`, the three types in which polars may hand
    over a column of words. A null row counts as an empty one.
    """
    lengths = series.list.len().fill_null(0).to_numpy()
    offsets = np.zeros(len(series) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if offsets[-1] == 0:
        return np.zeros(0, np.uint16), offsets
    flat = series.explode(empty_as_null=False, keep_nulls=False)
    if isinstance(flat.dtype, pl.Enum):
        known, physical = flat.dtype.categories.to_list(), flat.to_physical()
    else:
        pairs = flat.cast(pl.Categorical).to_arrow()
        known, physical = pairs.dictionary.to_pylist(), pl.Series(pairs.indices)
    places = physical.fill_null(len(known)).to_numpy()
    if tuple(known) == tuple(alphabet) and physical.null_count() == 0:
        return places.astype(np.uint16, copy=False), offsets
    place = {word: at for at, word in enumerate(alphabet)}
    table = np.array([place.get(word, UNKNOWN) for word in known] + [UNKNOWN], np.uint16)
    return table[places], offsets
