"""Texts from files on their way to a terminal: nothing in them moves its cursor, and they are cut to fit."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """A text whose control characters are replaced; ends of lines stay."""
    return CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def cut(text: str, width: int) -> str:
    """One line of at most `width` cells, with a mark where something is left out."""
    line = " ".join(plain(text).split("\n"))
    return line if cell_len(line) <= width else set_cell_size(line, max(width - 1, 0)) + "…"
