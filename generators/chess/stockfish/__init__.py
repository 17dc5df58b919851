"""The teacher: Stockfish over a plain pipe."""
