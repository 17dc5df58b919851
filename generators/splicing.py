"""Rows of words cut, joined and turned into columns, compiled."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from generators.compiled import compiled
from generators.words import UNKNOWN, Codes, Offsets, words


def nullable_words(codes: Codes, offsets: Offsets, alphabet: tuple[str, ...], name: str) -> pl.Series:
    """As `generators.words.words`, with a null in place of every `UNKNOWN`."""
    foreign = codes == UNKNOWN
    if not foreign.any():
        return words(codes, offsets, alphabet, name)
    lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(codes, mask=foreign))
    series = pl.Series(name, pl.from_arrow(lists))
    return series.list.eval(pl.element().cat.to(pl.Enum(alphabet)))


def joined(one: tuple[Codes, Offsets], two: tuple[Codes, Offsets]) -> tuple[Codes, Offsets]:
    """Row by row, the words of `one` followed by the words of `two`."""
    out = np.empty(len(one[0]) + len(two[0]), np.uint16)
    _join(*one, *two, out)
    return out, one[1] + two[1]


def split_at(codes: Codes, offsets: Offsets, word: int) -> NDArray[np.int64]:
    """How many words of each row stand before the first `word`: all, when it is not there."""
    before = np.zeros(len(offsets) - 1, np.int64)
    _split_at(codes, offsets, word, before)
    return before


def parted(
    codes: Codes, offsets: Offsets, before: NDArray[np.int64]
) -> tuple[tuple[Codes, Offsets], tuple[Codes, Offsets]]:
    """Each row cut into its first `before` words and the rest."""
    ones, twos = np.zeros_like(offsets), np.zeros_like(offsets)
    np.cumsum(before, out=ones[1:])
    twos[1:] = offsets[1:] - offsets[0] - ones[1:]
    one, two = np.empty(ones[-1], np.uint16), np.empty(twos[-1], np.uint16)
    _part(codes, offsets, ones, twos, one, two)
    return (one, ones), (two, twos)


@compiled
def _join(one: Codes, ones: Offsets, two: Codes, twos: Offsets, out: Codes) -> None:
    at = 0
    for row in range(len(ones) - 1):
        for word in one[ones[row] : ones[row + 1]]:
            out[at] = word
            at += 1
        for word in two[twos[row] : twos[row + 1]]:
            out[at] = word
            at += 1


@compiled
def _part(codes: Codes, offsets: Offsets, ones: Offsets, twos: Offsets, one: Codes, two: Codes) -> None:
    for row in range(len(offsets) - 1):
        middle = offsets[row] + ones[row + 1] - ones[row]
        one[ones[row] : ones[row + 1]] = codes[offsets[row] : middle]
        two[twos[row] : twos[row + 1]] = codes[middle : offsets[row + 1]]


@compiled
def _split_at(codes: Codes, offsets: Offsets, word: int, before: NDArray[np.int64]) -> None:
    for row in range(len(before)):
        at = offsets[row]
        while at < offsets[row + 1] and codes[at] != word:
            at += 1
        before[row] = at - offsets[row]
