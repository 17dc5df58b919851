"""Finished evaluations as tidy rows, and what their seeds say together."""
