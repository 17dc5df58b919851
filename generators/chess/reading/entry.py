"""What one line, game or puzzle of a source gives: positions, or why it gives none."""

from __future__ import annotations

from dataclasses import dataclass

import chess

from generators.domain import BadProblem


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """A position as its source states it; the moves that led to it stand on the board's stack."""

    board: chess.Board
    game: str
    """The key of its game: what stands in one split."""
    ply: int
    source_id: str
    puzzle: str | None = None
    rating: int | None = None
    solution: int | None = None


Entry = list[Stated] | BadProblem
