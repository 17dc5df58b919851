"""What Stockfish prints, read by compiled code: its lines with a score, parted by searches and requests."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.chess.alphabet import ACTIONS
from generators.compiled import compiled, whole

Bytes = NDArray[np.uint8]
Offsets = NDArray[np.int64]
Table = NDArray[np.int32]

DEPTH, RANK, KIND, SCORE, BOUND, WINS, DRAWS, NODES, ACTION = range(9)
"""The columns of `Printed.lines`."""
CENTIPAWNS, MATE = 1, 2
"""Kinds of scores."""
NONE = -1
"""Stands for what was not told."""

_WIDTH = 9
_DEPTH, _RANK, _KIND, _SCORE, _BOUND = DEPTH, RANK, KIND, SCORE, BOUND
_WINS, _DRAWS, _NODES, _ACTION, _NONE = WINS, DRAWS, NODES, ACTION, NONE
_CENTIPAWNS, _MATE = CENTIPAWNS, MATE
_NEWLINE, _SPACE, _MINUS = ord("\n"), ord(" "), ord("-")
_PROMOTED = "qrbn"
_PROMOTED_BYTES = tuple(map(ord, _PROMOTED))


def _packed(word: str) -> int:
    return int.from_bytes(word.encode()[:8], "little")


# A token's first eight bytes as a number; no two that UCI knows agree in these.
_INFO, _BESTMOVE, _STRING, _DEPTH_WORD, _MULTIPV, _SCORE_WORD, _CP, _MATE_WORD = map(
    _packed, ("info", "bestmove", "string", "depth", "multipv", "score", "cp", "mate")
)
_LOWER, _UPPER, _WDL, _NODES_WORD, _PV = map(_packed, ("lowerbound", "upperbound", "wdl", "nodes", "pv"))


class Printed(NamedTuple):
    """The lines of searches that have a score, in the order printed.

    Search i has `lines[line_offsets[i]:line_offsets[i + 1]]` and ended with the move `best[i]` (NONE: it has
    no move); request j has the searches `search_offsets[j]:search_offsets[j + 1]`.
    """

    lines: Table
    """DEPTH; RANK from 1; KIND; SCORE as the side to move sees it; BOUND (1: a bound, no exact score); WINS,
    DRAWS per mille (NONE: not told); NODES; ACTION, the first of the line (NONE: not told)."""
    line_offsets: Offsets
    best: Table
    search_offsets: Offsets


def printed(replies: list[bytes]) -> Printed:
    """The searches of each reply. Lines that are no UCI, or tell no score, are passed over."""
    ends = np.cumsum([len(reply) for reply in replies], dtype=np.int64)
    data = np.frombuffer(b"".join(replies), np.uint8)
    rows = int(np.count_nonzero(data == _NEWLINE))
    found = Printed(
        np.empty((rows, _WIDTH), np.int32), np.zeros(rows + 1, np.int64), np.empty(rows, np.int32),
        np.zeros(len(replies) + 1, np.int64),
    )  # fmt: skip
    _read(data, ends, _actions(), *found)
    searches = found.search_offsets[-1]
    offsets = found.line_offsets[: searches + 1]
    return Printed(found.lines[: offsets[-1]], offsets, found.best[:searches], found.search_offsets)


@cache
def _actions() -> NDArray[np.int32]:
    """The action from one square to another, and what the pawn becomes: first a plain move, then qrbn."""
    table = np.full((64, 64, 5), NONE, np.int32)
    for at, move in enumerate(ACTIONS):
        begin, end = ((ord(move[i]) - ord("a")) + 8 * (int(move[i + 1]) - 1) for i in (0, 2))
        table[begin, end, 1 + _PROMOTED.index(move[4]) if len(move) == 5 else 0] = at
    table.setflags(write=False)
    return table


@compiled
def _token(data: Bytes, at: int, end: int) -> tuple[int, int, int]:
    """The next token's beginning, its end and its first eight bytes as a number (0: there is none)."""
    while at < end and data[at] <= _SPACE:
        at += 1
    begin, word = at, 0
    while at < end and data[at] > _SPACE:
        if at - begin < 8:
            word |= whole(data[at]) << 8 * (at - begin)
        at += 1
    return begin, at, word


@compiled
def _number(data: Bytes, at: int, end: int) -> tuple[int, int, bool]:
    """A number, the place after it, and whether there was one of up to nine digits."""
    begin, at, _ = _token(data, at, end)
    negative = begin < at and data[begin] == _MINUS
    begin += negative
    number, good = 0, 0 < at - begin <= 9
    for place in range(begin, at):
        digit = whole(data[place]) - 48
        good = good and 0 <= digit <= 9
        number = 10 * number + digit
    return (-number if negative else number), at, good


@compiled
def _square(data: Bytes, at: int) -> int:
    """A square from 0 (a1) to 63 (h8); -1 for what is none."""
    file, rank = whole(data[at]) - 97, whole(data[at + 1]) - 49
    return file + 8 * rank if 0 <= file < 8 and 0 <= rank < 8 else -1


@compiled
def _move(data: Bytes, at: int, end: int, actions: NDArray[np.int32]) -> int:
    """The action that the next token names; NONE for what is none."""
    begin, at, _ = _token(data, at, end)
    if at - begin < 4 or at - begin > 5:
        return _NONE
    start, goal, becomes = _square(data, begin), _square(data, begin + 2), 0
    if start < 0 or goal < 0:
        return _NONE
    if at - begin == 5:
        for place in range(4):
            if data[begin + 4] == _PROMOTED_BYTES[place]:
                becomes = place + 1
        if not becomes:
            return _NONE
    return whole(actions[start, goal, becomes])


@compiled
def _score(data: Bytes, at: int, end: int, line: NDArray[np.int32]) -> tuple[int, bool]:
    """Read what follows `score` into the line: the place after it, and whether it could be read."""
    _, at, word = _token(data, at, end)
    line[_KIND] = _CENTIPAWNS if word == _CP else _MATE if word == _MATE_WORD else 0
    line[_SCORE], at, good = _number(data, at, end)
    return at, good and line[_KIND] > 0


@compiled
def _field(
    data: Bytes, word: int, at: int, end: int, actions: NDArray[np.int32], line: NDArray[np.int32]
) -> tuple[int, bool]:
    """Read what follows a token of `info` into the line: the place after it, and whether it could be read."""
    good = True
    if word == _DEPTH_WORD:
        line[_DEPTH], at, good = _number(data, at, end)
    elif word == _MULTIPV:
        line[_RANK], at, good = _number(data, at, end)
    elif word == _NODES_WORD:
        line[_NODES], at, good = _number(data, at, end)
    elif word == _SCORE_WORD:
        at, good = _score(data, at, end, line)
    elif word in (_LOWER, _UPPER):
        line[_BOUND] = 1
    elif word == _WDL:
        line[_WINS], at, good = _number(data, at, end)
        line[_DRAWS], at, _ = _number(data, at, end)
    elif word == _PV:
        line[_ACTION], at = _move(data, at, end, actions), end
    return at, good


@compiled
def _info(data: Bytes, at: int, end: int, actions: NDArray[np.int32], line: NDArray[np.int32]) -> bool:
    """Read the fields behind `info`; false for a line without a depth and a score."""
    line[:] = _NONE
    line[_RANK], line[_KIND], line[_BOUND], line[_NODES] = 1, 0, 0, 0
    good = True
    while good and at < end:
        _, at, word = _token(data, at, end)
        if word == _STRING:
            return False
        at, good = _field(data, word, at, end, actions, line)
    return good and line[_KIND] > 0 and line[_DEPTH] >= 0


@compiled
def _read(
    data: Bytes,
    ends: Offsets,
    actions: NDArray[np.int32],
    lines: Table,
    line_offsets: Offsets,
    best: NDArray[np.int32],
    search_offsets: Offsets,
) -> None:
    """Fill the arrays of `Printed` from replies that end at `ends`."""
    at, used, searches = 0, 0, 0
    for request in range(len(ends)):
        while at < ends[request]:
            end = at
            while end < ends[request] and data[end] != _NEWLINE:
                end += 1
            _, after, word = _token(data, at, end)
            if word == _INFO and end < ends[request]:
                used += _info(data, after, end, actions, lines[used])
            elif word == _BESTMOVE and end < ends[request]:
                best[searches] = _move(data, after, end, actions)
                searches += 1
                line_offsets[searches] = used
            at = min(end + 1, ends[request])
        # What a search that did not end has printed belongs to none.
        used = line_offsets[searches]
        search_offsets[request + 1] = searches
