"""What there is to draw of a row: the board, its labelled moves, the log and the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import chess
import numpy as np
import polars as pl

from generators.chess.alphabet import ACTIONS, NOTATIONS, VALUE_NOTATIONS
from generators.chess.board import fens
from generators.chess.notations import logs
from generators.chess.scoring import values
from generators.domain import BadProblem
from generators.words import codes

MOST_MOVES = 10

_BEYOND = 1 << 16
"""Above every centipawn: mates are worth more, faster ones most."""


@dataclass(frozen=True)
class Option:
    """A move with its label; the score is empty and the win probability None where there is none."""

    uci: str
    san: str
    """Empty where the move is illegal."""
    score: str = ""
    win: float | None = None
    student: float | None = None
    """What a student gives it: a win probability, or a share of its words for legal moves."""


@dataclass(frozen=True)
class Entry:
    """A completed depth of the log."""

    depth: int
    score: str
    move: Option


@dataclass(frozen=True)
class Scene:
    """What there is to draw of a row."""

    board: chess.Board
    last: chess.Move | None
    """The move that led here, where the row tells it."""
    options: Sequence[Option]
    """The highest labels, best first, or what a student rates highest; without either none."""
    moves: int
    """Legal moves."""
    best: Option | None
    """The teacher's move."""
    entries: Sequence[Entry]
    rest: str
    """Words that follow the log and are none of its entries."""
    answer: str
    """Empty where there is none."""
    said: Option | None
    """The answer, where it is one move."""


def scene(row: Mapping[str, Any]) -> Scene:
    """What a row with `fen` or `prompt`, and perhaps with labels, `trace` and `answer`, has to show.

    Raises BadProblem for a prompt that states no position.
    """
    board = _board(row)
    labelled = _labelled(row)
    entries, rest = _log(board, _words(row.get("trace")))
    answer = " ".join(_words(row.get("answer")))
    history = _list(row.get("history"))
    best = row.get("best")
    rated = _rated(row)
    by_label = sorted(labelled, key=lambda action: (-_rank(*labelled[action]), action))
    ordered = sorted(rated, key=lambda action: (-rated[action], action)) if rated else by_label
    return Scene(
        board=board,
        last=chess.Move.from_uci(ACTIONS[history[-1]]) if history else None,
        options=[
            replace(_option(board, ACTIONS[each], labelled), student=rated.get(each))
            for each in ordered[:MOST_MOVES]
        ],
        moves=board.legal_moves.count(),
        best=None if best is None else _option(board, ACTIONS[best], labelled),
        entries=entries,
        rest=rest,
        answer=answer,
        said=_option(board, answer, labelled) if answer in _NUMBER else None,
    )


_NUMBER = {action: at for at, action in enumerate(ACTIONS)}


def score(centipawns: int | None, mate: int | None) -> str:
    """A score as it is read: `+0.35`, `#-2`; empty where there is none."""
    if mate:
        return f"#{mate:+d}"
    return "" if centipawns is None else f"{centipawns / 100:+.2f}"


def _board(row: Mapping[str, Any]) -> chess.Board:
    fen = row.get("fen")
    if fen is None:
        prompt = pl.Series([_words(row["prompt"])], dtype=pl.List(pl.String))
        fen = fens.stated(prompt, NOTATIONS[0])[0]
    try:
        return chess.Board(fen)
    except ValueError as cause:
        raise BadProblem(f"'{fen}' states no position: {cause}") from None


def _labelled(row: Mapping[str, Any]) -> dict[int, tuple[int | None, int | None]]:
    """Centipawns and mate of each move; empty without labels."""
    moves, centipawns, mates = (_list(row.get(name)) for name in ("moves", "centipawns", "mates"))
    if not len(moves) == len(centipawns) == len(mates):
        return {}
    return dict(zip(moves, zip(centipawns, mates, strict=True), strict=True))


def _rated(row: Mapping[str, Any]) -> dict[int, float]:
    """What a student gives each legal move; nothing where the row has no `scores` of one.

    The scores of a `notation` with values are win probabilities, those of another one are logarithms.
    """
    scores = np.asarray(_list(row.get("scores")), np.float64)
    if not len(scores):
        return {}
    if row.get("notation") in VALUE_NOTATIONS:
        shares = values.probability(scores)
    else:
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
    return dict(zip(_list(row.get("moves")), shares.tolist(), strict=True))


def _rank(centipawns: int | None, mate: int | None) -> int:
    if mate:
        return _BEYOND - mate if mate > 0 else -_BEYOND - mate
    return centipawns or 0


def _option(
    board: chess.Board, uci: str, labelled: Mapping[int, tuple[int | None, int | None]] | None = None
) -> Option:
    move = chess.Move.from_uci(uci)
    san = board.san(move) if board.is_legal(move) else ""
    centipawns, mate = (labelled or {}).get(_NUMBER[uci], (None, None))
    told = score(centipawns, mate)
    win = float(values.values(centipawns or 0, mate or 0, 0)) if told else None
    return Option(uci, san, told, win)


def _log(board: chess.Board, trace: Sequence[str]) -> tuple[list[Entry], str]:
    """The entries with which a trace begins, and the words behind them."""
    log = codes(pl.Series([trace], dtype=pl.List(pl.String)), logs.STORED)
    told = logs.entries(*log)
    scores = zip(told.depths, told.centipawns, told.mates, told.moves, strict=True)
    entries = [
        Entry(int(depth), score(int(centipawns), int(mate)), _option(board, ACTIONS[move]))
        for depth, centipawns, mate, move in scores
    ]
    return entries, " ".join(trace[int(np.max(told.ends, initial=0)) :])


def _words(column: Iterable[str | None] | None) -> list[str]:
    """Words; `?` for what no alphabet has."""
    return ["?" if word is None else _clean(word) for word in (() if column is None else column)]


def _clean(word: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in word)


def _list(column: Iterable[Any] | None) -> list[Any]:
    return [] if column is None else list(column)
