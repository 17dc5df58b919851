"""Traces as small whole numbers, one a step, for pages that hold hundreds of thousands of steps.

What A* writes follows nearly from what stands before it. So a number says only what does not follow: which
neighbour of the cell closed last is created, or how many creates ago the cell was created that is closed now.
What a model writes against these rules is written out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.maze.alphabet import HEADS, Words

Numbers = NDArray[np.int64]

Cell = tuple[int, int]

DIRECTIONS = ((0, 1), (0, -1), (-1, 0), (1, 0))

FULL, TEXT, CLOSED = 4, 5, 6
"""Codes of a step.

0 to 3: a create of the cell in that direction of the cell closed last, with g one more. FULL: a clause of the
list `full`. TEXT: words of the list `words`, which name no cell of the maze. CLOSED + k: a close of the cell
created k creates before the latest one, with the same g. Except in FULL, h is the Manhattan distance.
"""

_HEAD = {head: at for at, head in enumerate(HEADS)}

# By dx + 1 and dy + 1: the code of a direction, FULL for what is none.
_DIRECTION = np.full((3, 3), FULL)
for _code, (_dx, _dy) in enumerate(DIRECTIONS):
    _DIRECTION[_dx + 1, _dy + 1] = _code


class Clauses(NamedTuple):
    """The clauses of a trace that name a cell of the maze."""

    at: Numbers
    """Their steps."""
    creates: NDArray[np.bool_]
    x: Numbers
    y: Numbers
    g: Numbers
    h: Numbers


class Trace(NamedTuple):
    """The words of a trace, and where its steps begin."""

    said: Sequence[Any]
    codes: Numbers
    begins: Numbers

    def text(self, step: int) -> str:
        """The words of a step; `?` for what no alphabet has."""
        end = self.begins[step + 1] if step + 1 < len(self.begins) else len(self.said)
        return " ".join("?" if word is None else str(word) for word in self.said[self.begins[step] : end])


class _Codes(dict[Any, int]):
    """The code of every word of an alphabet, -1 for any other."""

    def __missing__(self, word: Any) -> int:
        return -1


@cache
def _table(words: Words) -> _Codes:
    return _Codes({word: code for code, word in enumerate(words.alphabet)})


def coded(said: Sequence[Any] | None, words: Words) -> Numbers:
    """The codes of words, -1 for what is not in the alphabet."""
    said = () if said is None else said
    return np.fromiter(map(_table(words).__getitem__, said), np.int64, len(said))


def trace(said: Sequence[Any] | None, words: Words) -> Trace:
    """A trace cut as the verifier cuts it: at its first word, and at each `create` and `close`."""
    codes = coded(said, words)
    heads = (codes == words.heads + _HEAD["create"]) | (codes == words.heads + _HEAD["close"])
    heads[:1] = True
    return Trace(() if said is None else said, codes, np.flatnonzero(heads))


def clauses(read: Trace, words: Words, width: int, height: int) -> Clauses:
    """Its steps that are clauses and name a cell of a maze of that size."""
    lengths = np.diff(read.begins, append=len(read.codes))
    at = np.flatnonzero(lengths == 5)
    head, x, y, g, h = (read.codes[read.begins[at] + place] for place in range(5))
    creates = head == words.heads + _HEAD["create"]
    fits = creates | (head == words.heads + _HEAD["close"])
    for cell, side in ((x, width), (y, height)):
        fits &= (cell >= 0) & (cell < min(side, words.side))
    for cost in (g, h):
        fits &= (cost >= words.costs) & (cost < words.heads)
    return Clauses(*(column[fits] for column in (at, creates, x, y, g - words.costs, h - words.costs)))


def packed(steps: Clauses, goal: Cell) -> Numbers:
    """The code of each clause; FULL where it does not follow from those before it."""
    found = np.full(len(steps.at), FULL)
    order = np.arange(len(found))
    right = steps.h == abs(steps.x - goal[0]) + abs(steps.y - goal[1])
    closed = np.maximum.accumulate(np.where(steps.creates, -1, order))
    near = np.flatnonzero(steps.creates & right & (closed >= 0))
    last = closed[near]
    near, last = near[fits := steps.g[near] == steps.g[last] + 1], last[fits]
    dx, dy = (np.clip(axis[near] - axis[last], -2, 2) for axis in (steps.x, steps.y))
    beside = abs(dx) + abs(dy) == 1
    found[near[beside]] = _DIRECTION[dx[beside] + 1, dy[beside] + 1]
    before = _named_before(steps)
    known = np.flatnonzero(~steps.creates & right & (before >= 0))
    created = before[known]
    fits = steps.creates[created] & (steps.g[created] == steps.g[known])
    creates = np.cumsum(steps.creates)
    found[known[fits]] = CLOSED + creates[known[fits]] - creates[created[fits]]
    return found


def _named_before(steps: Clauses) -> Numbers:
    """For each clause the latest one before it that names the same cell, or -1."""
    cell = steps.y * (steps.x.max(initial=0) + 1) + steps.x
    order = np.argsort(cell, kind="stable")
    before = np.full(len(cell), -1)
    same = cell[order[1:]] == cell[order[:-1]]
    before[order[1:][same]] = order[:-1][same]
    return before


def walk(said: Sequence[Any] | None, words: Words, width: int, height: int) -> list[int] | None:
    """A plan as its first cell and a direction for each move; None where it is not such a walk."""
    codes = coded(said, words)
    if len(codes) == 0 or len(codes) % 3:
        return None
    head, x, y = codes.reshape(-1, 3).T
    inside = (x >= 0) & (x < min(width, words.side)) & (y >= 0) & (y < min(height, words.side))
    dx, dy = np.diff(x), np.diff(y)
    if not (inside.all() and (head == words.heads + _HEAD["plan"]).all() and (abs(dx) + abs(dy) == 1).all()):
        return None
    return [int(y[0]) * width + int(x[0]), *_DIRECTION[dx + 1, dy + 1].tolist()]
