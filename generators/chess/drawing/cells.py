"""What the cells of a row say: its position, the labels of its moves, a student's ratings, its words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import chess
import numpy as np
import polars as pl

from generators.chess.alphabet import ACTIONS, NOTATIONS, VALUE_NOTATIONS
from generators.chess.board import fens, rules
from generators.chess.notations import logs
from generators.chess.scoring import values
from generators.domain import BadProblem
from generators.words import UNKNOWN

NUMBER = {action: at for at, action in enumerate(ACTIONS)}
"""The action of each move."""

_CODE = {word: at for at, word in enumerate(logs.STORED)}

Label = tuple[int | None, int | None]
"""Centipawns and mate of a move, one of them None."""

_BEYOND = 1 << 16
"""Above every centipawn: mates are worth more, faster ones most."""


def board_of(row: Mapping[str, Any]) -> chess.Board:
    """The position, by `fen` or by `prompt`. Raises BadProblem for what states none."""
    fen = row.get("fen")
    if fen is None:
        prompt = pl.Series([words_of(row["prompt"])], dtype=pl.List(pl.String))
        fen = fens.stated(prompt, NOTATIONS[0])[0]
    try:
        return chess.Board(fen)
    except ValueError as cause:
        raise BadProblem(f"'{fen}' states no position: {cause}") from None


def last_of(row: Mapping[str, Any]) -> chess.Move | None:
    """The move that led here, where the row tells it."""
    history = listed(row.get("history"))
    return chess.Move.from_uci(ACTIONS[history[-1]]) if history else None


def labels_of(row: Mapping[str, Any]) -> dict[int, Label]:
    """Centipawns and mate of each move; empty without labels."""
    moves, centipawns, mates = (listed(row.get(name)) for name in ("moves", "centipawns", "mates"))
    if not len(moves) == len(centipawns) == len(mates):
        return {}
    return dict(zip(moves, zip(centipawns, mates, strict=True), strict=True))


def by_label(labelled: Mapping[int, Label]) -> list[int]:
    """Moves by their labels, best first, the smaller action among equals."""
    return sorted(labelled, key=lambda action: (-_rank(*labelled[action]), action))


def _rank(centipawns: int | None, mate: int | None) -> int:
    if mate:
        return _BEYOND - mate if mate > 0 else -_BEYOND - mate
    return centipawns or 0


def ratings_of(row: Mapping[str, Any]) -> dict[int, float]:
    """What a student gives each legal move; nothing where the row has no `scores` of one.

    The scores of a `notation` with values are win probabilities, those of another one are logarithms.
    """
    moves, scores = listed(row.get("moves")), np.asarray(listed(row.get("scores")), np.float64)
    if not len(scores) or len(scores) != len(moves):
        return {}
    if row.get("notation") in VALUE_NOTATIONS:
        shares = values.probability(scores)
    else:
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
    if not np.isfinite(shares).all():
        return {}
    return dict(zip(moves, shares.tolist(), strict=True))


def order_of(row: Mapping[str, Any], board: chess.Board) -> list[int]:
    """The legal moves in the teacher's order, best first; without labels its move, then the others."""
    labelled, best = labels_of(row), row.get("best")
    return by_label(labelled) or sorted(rules.actions(board), key=lambda action: action != best)


def score(centipawns: int | None, mate: int | None) -> str:
    """A score as it is read: `+0.35`, `#-2`; empty where there is none."""
    if mate:
        return f"#{mate:+d}"
    return "" if centipawns is None else f"{centipawns / 100:+.2f}"


def win(centipawns: int | None, mate: int | None) -> float:
    """The win probability of a score; a mate is 1, being mated 0."""
    return float(values.values(centipawns or 0, mate or 0, 0))


def read(trace: Sequence[str]) -> tuple[logs.Entries, int]:
    """The entries with which the words of a trace begin, and where they end."""
    told = logs.entries(*coded(trace))
    return told, int(np.max(told.ends, initial=0))


def coded(words: Sequence[str]) -> logs.Rows:
    """Words as codes of the stored alphabet, as one row."""
    found = np.array([_CODE.get(word, UNKNOWN) for word in words], np.uint16)
    return found, np.array([0, len(words)], np.int64)


def words_of(column: Iterable[str | None] | None) -> list[str]:
    """Words; `?` for what no alphabet has."""
    return ["?" if word is None else clean(word) for word in (() if column is None else column)]


def clean(word: str) -> str:
    """A word without signs that a terminal would obey."""
    return "".join(sign if sign.isprintable() else "?" for sign in word)


def listed(column: Iterable[Any] | None) -> list[Any]:
    """The entries of a list column's cell."""
    return [] if column is None else list(column)
