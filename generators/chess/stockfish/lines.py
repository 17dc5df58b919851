"""Which of the lines that a search printed count: the last exact ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from generators.chess.stockfish.replies import ACTION, BOUND, DEPTH, NODES, RANK
from generators.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from generators.chess.stockfish.replies import Offsets, Printed, Table

_ACTION, _BOUND, _DEPTH, _RANK = ACTION, BOUND, DEPTH, RANK


def last(found: Printed) -> Offsets:
    """Of each search the last exact line, or the last bound where there is none, or -1."""
    places = np.empty(len(found.best), np.int64)
    _last(found.lines, found.line_offsets, places)
    return places


def last_of_moves(found: Printed, searches: Offsets, moves: NDArray[np.uint16], offsets: Offsets) -> Offsets:
    """The same of each move `moves[offsets[i]:offsets[i + 1]]` in the search `searches[i]`.

    By move and not by rank, as moves change their ranks: a bound's move may have been exact at another one.
    """
    places = np.empty(len(moves), np.int64)
    _last_of_moves(found.lines, found.line_offsets, searches, moves, offsets, places)
    return places


def ranked(found: Printed) -> tuple[Offsets, Offsets]:
    """Of each search a line for every move of its last ranking, best first, and offsets.

    The moves are those of the last line of each rank; exact lines of a move count before bounds.
    """
    places, offsets = np.empty(len(found.lines), np.int64), np.zeros(len(found.best) + 1, np.int64)
    _ranked(found.lines, found.line_offsets, places, offsets)
    return places[: offsets[-1]], offsets


def deepening(found: Printed, searches: Offsets) -> tuple[Offsets, Offsets]:
    """Of each of `searches` the lines that are its log, the last exact one of each depth, and offsets."""
    places, offsets = np.empty(len(found.lines), np.int64), np.zeros(len(searches) + 1, np.int64)
    _deepening(found.lines, found.line_offsets, searches, places, offsets)
    return places[: offsets[-1]], offsets


def nodes(found: Printed) -> Offsets:
    """How many nodes each search had searched when it printed its last line."""
    ends = found.line_offsets[1:]
    counts = np.concatenate((found.lines[:, NODES], np.zeros(1, np.int32)))
    return np.where(ends > found.line_offsets[:-1], counts[ends - 1], 0).astype(np.int64)


@compiled
def _last(lines: Table, line_offsets: Offsets, places: Offsets) -> None:
    for search in range(len(places)):
        place = -1
        for at in range(line_offsets[search], line_offsets[search + 1]):
            if place < 0 or lines[at, _BOUND] == 0 or lines[place, _BOUND] == 1:
                place = at
        places[search] = place


@compiled
def _last_of_moves(
    lines: Table,
    line_offsets: Offsets,
    searches: Offsets,
    moves: NDArray[np.uint16],
    offsets: Offsets,
    places: Offsets,
) -> None:
    places[:] = -1
    for row in range(len(searches)):
        for at in range(line_offsets[searches[row]], line_offsets[searches[row] + 1]):
            move = offsets[row]
            while move < offsets[row + 1] and moves[move] != lines[at, _ACTION]:
                move += 1
            if move == offsets[row + 1]:
                continue
            place = places[move]
            if place < 0 or lines[at, _BOUND] == 0 or lines[place, _BOUND] == 1:
                places[move] = at


@compiled
def _exact(lines: Table, begin: int, place: int) -> int:
    """The last exact line from `begin` to `place` of the move of the line at `place`; else that one."""
    at = place
    while at >= begin and (lines[at, _BOUND] or lines[at, _ACTION] != lines[place, _ACTION]):
        at -= 1
    return at if at >= begin else place


@compiled
def _ranked(lines: Table, line_offsets: Offsets, places: Offsets, offsets: Offsets) -> None:
    used = 0
    for search in range(len(offsets) - 1):
        begin, end, rank = line_offsets[search], line_offsets[search + 1], 0
        found = True
        while found:
            rank += 1
            at = end - 1
            while at >= begin and (lines[at, _RANK] != rank or lines[at, _ACTION] < 0):
                at -= 1
            found = at >= begin
            if found:
                places[used] = _exact(lines, begin, at)
                used += 1
        offsets[search + 1] = used


@compiled
def _deepening(
    lines: Table, line_offsets: Offsets, searches: Offsets, places: Offsets, offsets: Offsets
) -> None:
    used = 0
    for row in range(len(searches)):
        begin = used
        for at in range(line_offsets[searches[row]], line_offsets[searches[row] + 1]):
            if lines[at, _BOUND] or lines[at, _RANK] != 1 or lines[at, _ACTION] < 0 or lines[at, _DEPTH] < 1:
                continue
            depth = lines[places[used - 1], _DEPTH] if used > begin else 0
            # A search that is stopped prints the depth that it had completed once more.
            if lines[at, _DEPTH] == depth:
                places[used - 1] = at
            elif lines[at, _DEPTH] > depth:
                places[used] = at
                used += 1
        offsets[row + 1] = used
