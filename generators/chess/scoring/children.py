"""The positions after each legal move: what is known of them by rule, and those that need a score."""

from __future__ import annotations

from collections.abc import Iterator

import chess
import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.chess.alphabet import ACTIONS
from generators.chess.scoring.values import DRAW

AUTOMATIC_DRAW = 150
"""Half-moves without a capture or a pawn's move after which a game ends (FIDE, article 9.6.2)."""


def candidates_of_children(rows: pl.DataFrame) -> pl.Series:
    """The FENs of each row's children, in the order of `moves`, that are no end of a game by rule.

    An end is a mate, a stalemate, too little material on both sides or 75 moves without progress. A move that
    repeats a position is among them: whether it draws depends on the history, which a child's FEN lacks.
    """
    fens = [
        [child.fen() for child in _children(fen, moves) if ending(child) is None]
        for fen, moves in rows.select("fen", "moves").iter_rows()
    ]
    return pl.Series("children", fens, pl.List(pl.String))


def endings(rows: pl.DataFrame, classes: int) -> NDArray[np.float32]:
    """The value of every legal move that ends the game, flat in row order; nan where a child needs a score.

    A move that mates stands a class beyond `values` of a mate in 1: a model may give that one to a child that
    is mated at its next move, since flipping a value counts no moves.
    """
    ends = {None: np.nan, chess.Termination.CHECKMATE: 2 + classes}
    found = [
        ends.get(ending(child), DRAW)
        for fen, moves in rows.select("fen", "moves").iter_rows()
        for child in _children(fen, moves)
    ]
    return np.asarray(found, np.float32)


def ending(child: chess.Board) -> chess.Termination | None:
    """How the game has ended by rule, without claims and repetitions; None while it goes on."""
    if not any(child.generate_legal_moves()):
        return chess.Termination.CHECKMATE if child.is_check() else chess.Termination.STALEMATE
    if child.is_insufficient_material():
        return chess.Termination.INSUFFICIENT_MATERIAL
    return chess.Termination.SEVENTYFIVE_MOVES if child.halfmove_clock >= AUTOMATIC_DRAW else None


def _children(fen: str, moves: list[int]) -> Iterator[chess.Board]:
    """The one board, after each move in turn."""
    board = chess.Board(fen)
    for action in moves:
        board.push(chess.Move.from_uci(ACTIONS[action]))
        yield board
        board.pop()
