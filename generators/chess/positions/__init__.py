"""Positions to learn from: opening lines, games that Stockfish plays from them, and what they are like."""
