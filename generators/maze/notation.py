"""Words rewritten from one notation into another, compiled."""

from __future__ import annotations

import numpy as np

from generators.compiled import compiled, whole
from generators.maze.alphabet import Words
from generators.words import UNKNOWN, Codes, Offsets

_UNKNOWN = int(UNKNOWN)


def in_solution(stored: Codes, search: Words, solution: Words) -> Codes:
    """Codes of the search notation as codes of the solution notation, `UNKNOWN` where it has no such word."""
    place = {word: at for at, word in enumerate(solution.alphabet)}
    table = np.array([*(place.get(word, UNKNOWN) for word in search.alphabet), UNKNOWN], np.uint16)
    moved: Codes = table[np.minimum(stored, len(search.alphabet))]
    return moved


def to_cells(codes: Codes, offsets: Offsets, search: Words, cells: Words) -> tuple[Codes, Offsets]:
    """Words of the search notation with each pair of coordinates as one cell, a lone one as `UNKNOWN`."""
    out, places = np.empty_like(codes), np.zeros_like(offsets)
    used = _to_cells(codes, offsets, search.side, cells.places - search.places, out, places)
    return out[:used].copy(), places


def from_cells(codes: Codes, offsets: Offsets, search: Words, cells: Words) -> tuple[Codes, Offsets]:
    """The inverse of `to_cells`, for any words: what names no cell stays one word.

    Grammar survives: only a cell becomes coordinates, and always two of them.
    """
    out, places = np.empty(2 * len(codes), np.uint16), np.zeros_like(offsets)
    used = _from_cells(codes, offsets, search.side, cells.places, out, places)
    return out[:used].copy(), places


@compiled
def _to_cells(codes: Codes, offsets: Offsets, side: int, shift: int, out: Codes, places: Offsets) -> int:
    used = 0
    for row in range(len(offsets) - 1):
        at, end = offsets[row], offsets[row + 1]
        while at < end:
            paired = codes[at] < side and at + 1 < end and codes[at + 1] < side
            if paired:
                out[used] = codes[at + 1] * whole(side) + codes[at]
            elif codes[at] < side or codes[at] == _UNKNOWN:
                out[used] = _UNKNOWN
            else:
                out[used] = codes[at] + shift
            at += 2 if paired else 1
            used += 1
        places[row + 1] = used
    return used


@compiled
def _from_cells(codes: Codes, offsets: Offsets, side: int, cells: int, out: Codes, places: Offsets) -> int:
    used = 0
    for row in range(len(offsets) - 1):
        for at in range(offsets[row], offsets[row + 1]):
            code = whole(codes[at])
            if code < cells:
                out[used], out[used + 1] = code % side, code // side
                used += 2
            else:
                out[used] = code if code == _UNKNOWN else code - cells + side
                used += 1
        places[row + 1] = used
    return used
