"""Positions: what the rules allow in them, and how they are told in words."""
