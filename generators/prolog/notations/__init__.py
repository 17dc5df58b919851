"""Stored words in other notations, and back."""
