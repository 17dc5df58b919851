"""Positions as prompts, and their moves as candidates, as a notation tells them."""

from __future__ import annotations

import numpy as np
import polars as pl

from generators.chess.alphabet import (
    ACTIONS,
    ACTIONS_AT,
    LONG,
    MEN,
    MEN_AT,
    MIRRORED,
    SPELLED,
    SQUARES,
    SQUARES_AT,
    alphabet,
)
from generators.chess.board import mirror
from generators.chess.ragged import flat, lists, row_offsets
from generators.words import Codes, Offsets, words


def prompts(positions: Codes, notation: str) -> pl.Series:
    """The column of prompts of positions in words, 77 a row, flat."""
    told = mirror.positions(positions) if notation in MIRRORED else positions
    starts = LONG * np.arange(len(positions) // LONG + 1, dtype=np.int64)
    return words(told, starts, alphabet(notation), "prompt")


def moves(rows: pl.DataFrame, positions: Codes, notation: str) -> pl.Series:
    """A candidate for every legal move (`moves`) of the rows, which state `positions`.

    It is the action's word, or the four words that spell it: what arrives, from where, what stands on the
    target, and the target.
    """
    offsets, told = row_offsets(rows["moves"]), flat(rows["moves"], np.uint16)
    row = np.repeat(np.arange(len(rows)), np.diff(offsets))
    if notation in MIRRORED:
        told = mirror.actions(told, mirror.black(positions)[row])
        positions = mirror.positions(positions)
    if notation in SPELLED:
        spelled = _spelled(told, positions.reshape(-1, LONG)[row, 1 : 1 + len(SQUARES)])
        return _candidates(spelled.ravel(), spelled.shape[1] * np.arange(len(told) + 1), offsets, notation)
    return _candidates(told + np.uint16(ACTIONS_AT), np.arange(len(told) + 1), offsets, notation)


_PLACE = {square: at for at, square in enumerate(SQUARES)}
_FROM = np.array([_PLACE[action[:2]] for action in ACTIONS])
_TO = np.array([_PLACE[action[2:4]] for action in ACTIONS])
_PROMOTED = np.array([MEN.index(action[4].upper()) if action[4:] else 0 for action in ACTIONS])


def _spelled(moves: Codes, boards: Codes) -> Codes:
    """The words of each move, a row each; `boards` has the words of the squares as its mover sees them."""
    each, start, target, promoted = np.arange(len(moves)), _FROM[moves], _TO[moves], _PROMOTED[moves]
    arrives = np.where(promoted > 0, MEN_AT + promoted, boards[each, start])
    told = [arrives, SQUARES_AT + start, boards[each, target], SQUARES_AT + target]
    return np.stack(told, axis=1).astype(np.uint16)


def nothing(rows: int, notation: str) -> pl.Series:
    """One candidate without words for each row."""
    each = np.arange(rows + 1, dtype=np.int64)
    return _candidates(np.zeros(0, np.uint16), np.zeros_like(each), each, notation)


def _candidates(codes: Codes, inner: Offsets, outer: Offsets, notation: str) -> pl.Series:
    """Lists `outer` of the lists `inner` of words."""
    kind = pl.Enum(alphabet(notation))
    nested = lists(lists(codes, inner), outer, "candidates")
    return nested.list.eval(pl.element().list.eval(pl.element().cat.to(kind)))
