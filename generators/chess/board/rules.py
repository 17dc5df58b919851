"""What the rules say of a position: legal moves as actions, its key, and the moves that led to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from typing import Any

import chess
import numpy as np
import polars as pl

from generators.chess import ragged
from generators.chess.alphabet import ACTIONS, LONG, NOTATIONS, alphabet
from generators.chess.board import fens, refusals
from generators.domain import BadProblem, content_hash
from generators.words import words

MOVES = tuple(chess.Move.from_uci(action) for action in ACTIONS)
"""Of each action."""

_PIECES = 7
"""Kinds of men, no promotion among them as 0."""


def _table() -> list[int]:
    table = [-1] * (_PIECES * 64 * 64)
    for action, move in enumerate(MOVES):
        table[((move.promotion or 0) << 12) | (move.from_square << 6) | move.to_square] = action
    return table


_ACTION = _table()


def position(fen: str) -> chess.Board:
    """The board of a FEN of six fields, or of four (clocks 0 and 1).

    Raises BadProblem for what is malformed, illegal or finished, for variants and for Chess960.
    """
    return refusals.accepted(fen)


def action(move: chess.Move) -> int:
    """The number of a move; -1 for one that no piece can make."""
    return _ACTION[((move.promotion or 0) << 12) | (move.from_square << 6) | move.to_square]


def move(action: int) -> chess.Move:
    """The move of a number."""
    return MOVES[action]


def actions(board: chess.Board) -> list[int]:
    """The legal moves, in ascending order."""
    return sorted(
        _ACTION[((move.promotion or 0) << 12) | (move.from_square << 6) | move.to_square]
        for move in board.generate_legal_moves()
    )


def problem_id(board: chess.Board) -> str:
    """A hash of the first four fields of the FEN."""
    return fen_id(board.fen())


def fen_id(fen: str) -> str:
    """`problem_id` of a FEN as python-chess writes it."""
    return content_hash(fen.rsplit(" ", 2)[0].encode())


def history(board: chess.Board) -> list[int]:
    """The last moves of the board's stack that can be taken back, so that the position before them may recur.

    None of them is a capture, a pawn's move, one that loses a right to castle, or one made where an
    en-passant capture was legal.
    """
    if not board.halfmove_clock or not board.move_stack:
        return []
    earlier = board.copy(stack=board.halfmove_clock)
    found: list[int] = []
    while earlier.move_stack:
        last = earlier.pop()
        if not last or earlier.is_irreversible(last):
            break
        found.append(action(last))
    return found[::-1]


def undone(board: chess.Board, history: Sequence[int]) -> chess.Board:
    """A copy of the board with `history` on its move stack, so that repetitions are seen.

    Raises BadProblem where the moves cannot have led there.
    """
    before = chess.Board(None)
    before.castling_rights, before.turn = board.castling_rights, board.turn
    men = board.piece_map()
    for last in reversed(history):
        begin, end = MOVES[last].from_square, MOVES[last].to_square
        before.turn = not before.turn
        if begin in men or end not in men or men[end].color != before.turn:
            raise BadProblem(f"the history of '{board.fen()}' cannot have led there: {ACTIONS[last]}")
        men[begin] = men.pop(end)
    before.set_piece_map(men)
    before.halfmove_clock = max(board.halfmove_clock - len(history), 0)
    before.fullmove_number = board.fullmove_number - (len(history) + (not before.turn)) // 2
    for again in history:
        before.push(MOVES[again])
    before.ep_square, before.halfmove_clock = board.ep_square, board.halfmove_clock
    return before


def frame(
    boards: Sequence[chess.Board], games: Sequence[str], plies: Sequence[int] | None = None, **own: Any
) -> pl.DataFrame:
    """The problem columns of positions in which there is a move; histories come from their move stacks.

    `games` are the keys of their games; plies are counted by the boards' move numbers unless given. `own`
    are values a row of `source_id`, `puzzle`, `rating`, `solution`; those that are missing are null.
    """
    told = pl.Series("fen", [board.fen() for board in boards], pl.String)
    starts = LONG * np.arange(len(boards) + 1, dtype=np.int64)
    nothing = [None] * len(boards)
    counted = [board.ply() for board in boards] if plies is None else plies
    return pl.DataFrame(
        [
            pl.Series("problem_id", map(fen_id, told), pl.String),
            pl.Series("split_key", [content_hash(game.encode()) for game in games], pl.String),
            words(fens.tokens(told), starts, alphabet(NOTATIONS[0]), "prompt"),
            told,
            pl.Series("game", games, pl.String),
            pl.Series("ply", counted, pl.UInt16),
            _lists("history", map(history, boards)),
            _lists("moves", map(actions, boards)),
            pl.Series("pieces", [board.occupied.bit_count() for board in boards], pl.UInt8),
            *(pl.Series(name, own.pop(name, nothing), kind) for name, kind in _OWN.items()),
            *(pl.Series(name, values) for name, values in own.items()),
        ]
    )


_OWN = {"source_id": pl.String(), "puzzle": pl.String(), "rating": pl.UInt16(), "solution": pl.UInt16()}


def _lists(name: str, rows: Iterable[list[int]]) -> pl.Series:
    """Rows of actions as a column; much faster than polars' own way from Python lists."""
    told = list(rows)
    offsets = np.fromiter(accumulate(map(len, told), initial=0), np.int64, len(told) + 1)
    flat = np.fromiter(chain.from_iterable(told), np.uint16, int(offsets[-1]))
    return ragged.lists(flat, offsets, name)
