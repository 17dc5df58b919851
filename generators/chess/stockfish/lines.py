"""Which of the lines that a search printed count.

A score is the last exact one. A search that runs out of nodes prints its state once more, in the middle of a
depth that it does not complete; often nothing but the depth is new there (a move that was not searched again
keeps its score), so what depths were completed is told by the lines before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from generators.chess.stockfish.replies import ACTION, BOUND, DEPTH, NODES, RANK
from generators.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from generators.chess.stockfish.replies import Offsets, Printed, Table

_ACTION, _BOUND, _DEPTH, _NODES, _RANK = ACTION, BOUND, DEPTH, NODES, RANK


class Efforts(NamedTuple):
    """What each search went through."""

    nodes: Offsets
    """Those searched when it printed its last line."""
    depths: Offsets
    """The depth completed; 0: none."""
    ends: Offsets
    """The end of the lines that it printed before it was stopped."""


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


def efforts(found: Printed, limits: Offsets) -> Efforts:
    """What searches went through that were limited to so many nodes each."""
    ends, depths = np.empty(len(found.best), np.int64), np.empty(len(found.best), np.int64)
    _completed(found.lines, found.line_offsets, limits, ends)
    _depths(found.lines, found.line_offsets, ends, depths)
    empty = found.line_offsets[1:] == found.line_offsets[:-1]
    counts = np.concatenate((found.lines[:, NODES], np.zeros(1, np.int32)))
    return Efforts(np.where(empty, 0, counts[found.line_offsets[1:] - 1]).astype(np.int64), depths, ends)


def deepening(found: Printed, searches: Offsets, ends: Offsets) -> tuple[Offsets, Offsets]:
    """Of each of `searches` the lines that are its log, and offsets: an exact one for each completed depth.

    A search that was stopped with another best move than that of its last depth has its last line too.
    """
    places, offsets = np.empty(len(found.lines), np.int64), np.zeros(len(searches) + 1, np.int64)
    _deepening(found.lines, found.line_offsets, searches, ends, found.best, places, offsets)
    return places[: offsets[-1]], offsets


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
def _completed(lines: Table, line_offsets: Offsets, limits: Offsets, ends: Offsets) -> None:
    for search in range(len(ends)):
        begin, at = line_offsets[search], line_offsets[search + 1]
        if at > begin and lines[at - 1, _NODES] >= limits[search]:
            at -= 1
            while at > begin and lines[at, _RANK] != 1:
                at -= 1
        ends[search] = at


@compiled
def _depths(lines: Table, line_offsets: Offsets, ends: Offsets, depths: Offsets) -> None:
    for search in range(len(ends)):
        last, depth = 1, 0
        for at in range(line_offsets[search], ends[search]):
            last = max(last, lines[at, _RANK])
        # After some seconds an engine prints all ranks whenever it has searched one: the last one tells.
        for at in range(line_offsets[search], ends[search]):
            if lines[at, _RANK] == last and not lines[at, _BOUND]:
                depth = max(depth, lines[at, _DEPTH])
        depths[search] = depth


@compiled
def _entered(lines: Table, at: int, places: Offsets, begin: int, used: int) -> int:
    """Enter a line in a log that begins at `begin`: its new end. Depths rise, the later line counts."""
    if lines[at, _ACTION] < 0 or lines[at, _DEPTH] < 1 or lines[at, _RANK] != 1:
        return used
    depth = lines[places[used - 1], _DEPTH] if used > begin else 0
    if lines[at, _DEPTH] < depth:
        return used
    used -= lines[at, _DEPTH] == depth
    places[used] = at
    return used + 1


@compiled
def _deepening(
    lines: Table,
    line_offsets: Offsets,
    searches: Offsets,
    ends: Offsets,
    best: NDArray[np.int32],
    places: Offsets,
    offsets: Offsets,
) -> None:
    used = 0
    for row in range(len(searches)):
        begin, search = used, searches[row]
        for at in range(line_offsets[search], ends[search]):
            if not lines[at, _BOUND]:
                used = _entered(lines, at, places, begin, used)
        last = line_offsets[search + 1] - 1
        told = used > begin and lines[places[used - 1], _ACTION] == best[search]
        if not told and last >= line_offsets[search] and lines[last, _ACTION] == best[search]:
            used = _entered(lines, last, places, begin, used)
        offsets[row + 1] = used
