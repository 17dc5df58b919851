"""One game by the rules: who moves when, and how it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import chess
import numpy as np

MOST_PLIES = 300
"""Half-moves, those of the opening included; a game that lasts longer is a draw."""


SHARES = {"1-0": 1.0, "1/2-1/2": 0.5, "0-1": 0.0}
"""The results of a game, and what white has of the point."""


class Mover(Protocol):
    """Whoever plays a side of a match."""

    @property
    def name(self) -> str:
        """Who it is, exactly: it stands in the record of a game."""

    def move(self, board: chess.Board, game: object, rng: np.random.Generator) -> chess.Move:
        """A legal move; `game` is another object in each game, `rng` is the side's own in that game."""

    def close(self) -> None:
        """End whatever runs for it."""


@dataclass(frozen=True)
class Game:
    """A finished game; `board` has all moves, `result` is as in PGN and `ending` says how it came about."""

    board: chess.Board
    result: str
    ending: str


def play(
    board: chess.Board,
    movers: Mapping[chess.Color, Mover],
    rngs: Mapping[chess.Color, np.random.Generator],
) -> Game:
    """Play on from where the board stands until the game ends.

    A position that has stood three times and 50 moves without a capture or a pawn's move are draws that a
    side claims at once.
    """
    game = object()
    while (end := ended(board)) is None:
        side = board.turn
        board.push(movers[side].move(board.copy(), game, rngs[side]))
    return Game(board, *end)


def ended(board: chess.Board) -> tuple[str, str] | None:
    """Result and kind of end of a game, or None while it goes on."""
    outcome = board.outcome()
    if outcome is not None:
        return outcome.result(), outcome.termination.name.lower().replace("_", " ")
    if board.is_repetition(3):
        return "1/2-1/2", "threefold repetition"
    if board.halfmove_clock >= 100:
        return "1/2-1/2", "fifty moves"
    if len(board.move_stack) >= MOST_PLIES:
        return "1/2-1/2", f"{MOST_PLIES} plies"
    return None
