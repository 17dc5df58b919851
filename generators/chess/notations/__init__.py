"""Positions, logs and moves as examples in words, back from words, and judged."""
