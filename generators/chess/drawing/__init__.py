"""Positions with their labels, log and answer, as text and as pictures."""
