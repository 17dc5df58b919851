"""Chess positions, Stockfish as their teacher, and what a move is worth."""

from generators.chess.domain import Chess

__all__ = ["Chess"]
