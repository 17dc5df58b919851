"""Moves into a position that stood twice before: draws that no FEN tells of."""

from __future__ import annotations

from collections import Counter

import chess
import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.chess.alphabet import ACTIONS
from generators.chess.board.rules import undone
from generators.chess.ragged import row_offsets

SHORTEST = 7
"""A position recurs after 4 half-moves at the soonest, so the move behind 7 is the first to reach a third."""


def repetitions(rows: pl.DataFrame) -> NDArray[np.bool_]:
    """Which legal moves lead to a third occurrence (FIDE, article 9.2), flat in row order.

    Positions are told apart by pieces, side, castling and a possible en passant, as `problem_id` does.
    """
    offsets = row_offsets(rows["moves"])
    thrice = np.zeros(offsets[-1], np.bool_)
    for row in np.flatnonzero(np.diff(row_offsets(rows["history"])) >= SHORTEST).tolist():
        board = undone(chess.Board(rows["fen"][row]), rows["history"][row].to_list())
        thrice[offsets[row] : offsets[row + 1]] = _third_times(board, rows["moves"][row].to_list())
    return thrice


def _third_times(board: chess.Board, moves: list[int]) -> list[bool]:
    """For each move whether it leads to a position that the board's move stack has met twice."""
    met = _met_twice(board)
    return [bool(met) and _after(board, action) in met for action in moves]


def _met_twice(board: chess.Board) -> set[str]:
    """The positions that have stood twice with the other side to move, which a move can lead to."""
    past = board.copy()
    times: Counter[str] = Counter()
    while past.move_stack:
        past.pop()
        if past.turn != board.turn:
            times[past.epd()] += 1
    return {position for position, count in times.items() if count > 1}


def _after(board: chess.Board, action: int) -> str:
    board.push(chess.Move.from_uci(ACTIONS[action]))
    position = board.epd()
    board.pop()
    return position
