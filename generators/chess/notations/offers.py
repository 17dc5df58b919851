"""Positions as prompts, and their moves as candidates, as a notation tells them."""

from __future__ import annotations

import numpy as np
import polars as pl

from generators.chess.alphabet import ACTIONS_AT, LONG, MIRRORED, alphabet
from generators.chess.board import mirror
from generators.chess.scoring.ragged import flat, lists, row_offsets
from generators.words import Codes, Offsets, words


def prompts(positions: Codes, notation: str) -> pl.Series:
    """The column of prompts of positions in words, 77 a row, flat."""
    told = mirror.positions(positions) if notation in MIRRORED else positions
    starts = LONG * np.arange(len(positions) // LONG + 1, dtype=np.int64)
    return words(told, starts, alphabet(notation), "prompt")


def moves(rows: pl.DataFrame, positions: Codes, notation: str) -> pl.Series:
    """A candidate of one word for every legal move (`moves`) of the rows, which state `positions`."""
    offsets, told = row_offsets(rows["moves"]), flat(rows["moves"], np.uint16)
    if notation in MIRRORED:
        told = mirror.actions(told, np.repeat(mirror.black(positions), np.diff(offsets)))
    return _candidates(told + np.uint16(ACTIONS_AT), np.arange(len(told) + 1), offsets, notation)


def nothing(rows: int, notation: str) -> pl.Series:
    """One candidate without words for each row."""
    each = np.arange(rows + 1, dtype=np.int64)
    return _candidates(np.zeros(0, np.uint16), np.zeros_like(each), each, notation)


def _candidates(codes: Codes, inner: Offsets, outer: Offsets, notation: str) -> pl.Series:
    """Lists `outer` of the lists `inner` of words."""
    kind = pl.Enum(alphabet(notation))
    nested = lists(lists(codes, inner), outer, "candidates")
    return nested.list.eval(pl.element().list.eval(pl.element().cat.to(kind)))
