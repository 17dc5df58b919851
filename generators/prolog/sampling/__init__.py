"""Theories drawn at random, evenly over answer, depth and polarity."""
