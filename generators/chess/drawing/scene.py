"""What there is to draw of a row: the board, its labelled moves, the log and the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import chess

from generators.chess.alphabet import ACTIONS
from generators.chess.drawing import cells
from generators.chess.drawing.cells import NUMBER, Label

MOST_MOVES = 10


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
    now: bool = False
    """Whether the step that is played is this move."""


@dataclass(frozen=True)
class Entry:
    """A completed depth of the log."""

    depth: int
    score: str
    move: Option
    win: float
    now: bool = False
    """Whether the step that is played is this entry."""


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
    asked: bool = True
    """Whether the answer is to be told, be there one or not: while a row is played, it comes last."""


def scene(row: Mapping[str, Any]) -> Scene:
    """What a row with `fen` or `prompt`, and perhaps with labels, `trace` and `answer`, has to show.

    Raises BadProblem for a prompt that states no position.
    """
    board = cells.board_of(row)
    labelled = cells.labels_of(row)
    entries, rest = log_of(board, cells.words_of(row.get("trace")))
    answer = " ".join(cells.words_of(row.get("answer")))
    best = row.get("best")
    rated = cells.ratings_of(row)
    ordered = (
        sorted(rated, key=lambda action: (-rated[action], action)) if rated else cells.by_label(labelled)
    )
    return Scene(
        board=board,
        last=cells.last_of(row),
        options=[
            replace(option(board, ACTIONS[each], labelled), student=rated.get(each))
            for each in ordered[:MOST_MOVES]
        ],
        moves=board.legal_moves.count(),
        best=None if best is None else option(board, ACTIONS[best], labelled),
        entries=entries,
        rest=rest,
        answer=answer,
        said=option(board, answer, labelled) if answer in NUMBER else None,
    )


def option(board: chess.Board, uci: str, labelled: Mapping[int, Label] | None = None) -> Option:
    """A move with its name on this board and its label."""
    move = chess.Move.from_uci(uci)
    san = board.san(move) if board.is_legal(move) else ""
    centipawns, mate = (labelled or {}).get(NUMBER[uci], (None, None))
    told = cells.score(centipawns, mate)
    return Option(uci, san, told, cells.win(centipawns, mate) if told else None)


def log_of(board: chess.Board, trace: Sequence[str]) -> tuple[list[Entry], str]:
    """The entries with which a trace begins, and the words behind them."""
    told, end = cells.read(trace)
    scores = zip(told.depths.tolist(), told.centipawns.tolist(), told.mates.tolist(), told.moves, strict=True)
    entries = [
        Entry(depth, cells.score(centipawns, mate), option(board, ACTIONS[move]), cells.win(centipawns, mate))
        for depth, centipawns, mate, move in scores
    ]
    return entries, " ".join(trace[end:])
