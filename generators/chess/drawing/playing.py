"""Rows played step by step: what `view.js` draws of a position, and the frames of a terminal.

The steps are the entries of the log, as `check` counts them; without a log they are the legal moves in the
teacher's order. The answer, where there is one, is the last step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import chess
import numpy as np

from generators import playback
from generators.chess.alphabet import ACTIONS, LOG_NOTATIONS, VALUE_NOTATIONS
from generators.chess.drawing import cells, text
from generators.chess.drawing.scene import log_of, option
from generators.chess.notations import answers
from generators.domain import VERDICTS

Row = Mapping[str, Any]

ABOUT = {"puzzle": "puzzle", "rating": "rating", "source_id": "from"}
"""Columns that say where a position comes from, as a reader would name them."""


def cuts(row: Row) -> list[int]:
    """The places in a row's trace at which its entries begin, and the words that are none."""
    trace = cells.words_of(row.get("trace"))
    told, end = cells.read(trace)
    return [*told.begins.tolist(), *([end] if end < len(trace) else [])]


def has_log(row: Row) -> bool:
    """Whether the steps of a row are those of its log: other notations leave it out, whatever is stored."""
    return row.get("trace") is not None and (row.get("notation") or LOG_NOTATIONS[0]) in LOG_NOTATIONS


def scene(row: Row) -> dict[str, Any]:
    """The board, the legal moves with the teacher's labels, best first, and the log of the row.

    Win probabilities are whole numbers per mille; the board is 64 signs from a8 to h1.
    """
    board, labelled = cells.board_of(row), cells.labels_of(row)
    told = [option(board, ACTIONS[each], labelled) for each in cells.order_of(row, board)]
    last, best = cells.last_of(row), row.get("best")
    king = board.king(board.turn) if board.is_check() else None
    return {
        "fen": board.fen(),
        "heading": text.heading(board),
        "board": "".join(_man(board, square) for square in chess.SQUARES_180),
        "last": None if last is None else last.uci(),
        "check": None if king is None else chess.square_name(king),
        "moves": [each.uci for each in told],
        "sans": [each.san for each in told],
        "scores": [each.score for each in told],
        "wins": [_mille(each.win) for each in told],
        "best": None if best is None else ACTIONS[best],
        "about": [
            [name, cells.clean(str(row[column]))]
            for column, name in ABOUT.items()
            if row.get(column) is not None
        ],
        "log": _log(row, board) if cells.words_of(row.get("trace")) else None,
    }


def play(row: Row) -> dict[str, Any]:
    """The log or None, what a student gives the moves of `scene` or None, and the answer with its verdict."""
    board = cells.board_of(row)
    log = _log(row, board) if has_log(row) else None
    rated = cells.ratings_of(row)
    order = cells.order_of(row, board)
    return {
        "count": count(row),
        "log": log,
        "student": [_mille(rated.get(each)) for each in order] if rated else None,
        "rates": "win" if row.get("notation") in VALUE_NOTATIONS else "share",
        "answer": _answer(row, board),
    }


def count(row: Row) -> int:
    """The steps of a row."""
    acts = len(cuts(row)) if has_log(row) else cells.board_of(row).legal_moves.count()
    return acts + bool(playback.words(row.get("answer")))


def _man(board: chess.Board, square: int) -> str:
    man = board.piece_at(square)
    return "." if man is None else man.symbol()


def _mille(share: float | None) -> int | None:
    return None if share is None else round(1000 * share)


def _log(row: Row, board: chess.Board) -> dict[str, Any]:
    """Depths, scores, win probabilities and moves of the entries, and the words behind them."""
    entries, rest = log_of(board, cells.words_of(row.get("trace")))
    return {
        "depths": [each.depth for each in entries],
        "scores": [each.score for each in entries],
        "wins": [_mille(each.win) for each in entries],
        "moves": [each.move.uci for each in entries],
        "rest": rest,
    }


def _answer(row: Row, board: chess.Board) -> dict[str, Any] | None:
    """Its words, its move if it is one, the verdict, and what it is worth beside the teacher's best."""
    said = cells.words_of(row.get("answer"))
    if not said:
        return None
    verdict, reason = _judged(row, board, said)
    move = said[0] if len(said) == 1 and said[0] in cells.NUMBER else None
    told = " ".join(said)
    return {"words": told, "move": move, "verdict": verdict, "told": _told(row, told, reason)}


def _told(row: Row, said: str, reason: str | None) -> str:
    """The answer in a sentence."""
    best = None if row.get("best") is None else ACTIONS[row["best"]]
    if reason is not None:
        return reason if reason.startswith(f"{said} ") else f"{said}: {reason}"
    return (
        f"{said}, the teacher's move"
        if best == said
        else f"{said}, as good as the teacher's {best or 'best'}"
    )


def _judged(row: Row, board: chess.Board, said: Sequence[str]) -> tuple[str, str | None]:
    """The verdict of `check`, and why it is not better."""
    labelled = cells.labels_of(row)
    moves = sorted(cells.order_of(row, board))
    scores = [labelled.get(move, (None, None)) for move in moves]
    labels = answers.Labels(
        offsets=np.array([0, len(moves)]),
        moves=np.array(moves, np.int64),
        centipawns=np.array([centipawns or 0 for centipawns, _ in scores], np.int64),
        mates=np.array([mate or 0 for _, mate in scores], np.int64),
        known=np.array([bool(labelled)]),
    )
    best = np.array([-1 if row.get("best") is None else row["best"]])
    ended = np.array([row.get("ended") is not False])
    places, reasons = answers.held(labels, best, cells.coded(said), ended)
    return VERDICTS[places[0]], reasons[0]
