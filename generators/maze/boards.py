"""Mazes as arrays, and the prompts that state them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled, whole
from generators.domain import BadProblem, content_hash
from generators.words import Codes, Offsets

Cells = NDArray[np.int32]
Grids = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Boards:
    """A column of mazes; a maze may have any size.

    Every grid has a border of walls, so that no neighbour needs a bounds test: cell (x, y) of a maze of
    width w stands at (y + 1) * (w + 2) + x + 1, and cells in the order of their places are row-major.
    """

    widths: Cells
    heights: Cells
    starts: Cells
    goals: Cells
    grids: Grids
    """All grids one after the other: 1 is a wall."""
    offsets: Offsets

    def __len__(self) -> int:
        return len(self.widths)

    def grid(self, row: int) -> Grids:
        """The walls of one maze without the border, shape (height, width)."""
        flat = self.grids[self.offsets[row] : self.offsets[row + 1]]
        return flat.reshape(self.heights[row] + 2, self.widths[row] + 2)[1:-1, 1:-1]

    def columns(self) -> dict[str, Cells]:
        """Size, start and goal as columns of their own."""
        stride = self.widths + 2
        return {
            "width": self.widths,
            "height": self.heights,
            "start_x": self.starts % stride - 1,
            "start_y": self.starts // stride - 1,
            "goal_x": self.goals % stride - 1,
            "goal_y": self.goals // stride - 1,
        }


def blank(widths: Cells, heights: Cells) -> tuple[Grids, Offsets]:
    """Grids of free cells within their borders."""
    offsets = np.zeros(len(widths) + 1, np.int64)
    np.cumsum((widths.astype(np.int64) + 2) * (heights + 2), out=offsets[1:])
    grids = np.empty(offsets[-1], np.uint8)
    _clear(grids, offsets, widths, heights)
    return grids, offsets


def parse(codes: Codes, offsets: Offsets, widths: Cells, heights: Cells, side: int, heads: int) -> Boards:
    """The boards that prompts in the search notation state.

    `side` counts the coordinate words, `heads` is the code of the word `start`. Raises BadProblem for the
    first prompt that is not `start X Y goal X Y wall X Y ...` with cells inside its maze.
    """
    grids, places = blank(widths, heights)
    rows = len(widths)
    starts, goals = np.empty(rows, np.int32), np.empty(rows, np.int32)
    bad = _parse(codes, offsets, widths, heights, side, heads, grids, places, starts, goals)
    if bad >= 0:
        size = f"{widths[bad]}x{heights[bad]}"
        raise BadProblem(f"prompt {bad} does not state a {size} maze as `start X Y goal X Y wall X Y ...`")
    return Boards(widths=widths, heights=heights, starts=starts, goals=goals, grids=grids, offsets=places)


def prompts(boards: Boards, heads: int) -> tuple[Codes, Offsets]:
    """The prompts of boards in the search notation: walls in row-major order, as Searchformer has them."""
    walls = wall_counts(boards)
    offsets = np.zeros(len(boards) + 1, np.int64)
    np.cumsum(6 + 3 * walls.astype(np.int64), out=offsets[1:])
    codes = np.empty(offsets[-1], np.uint16)
    _write(boards.grids, boards.offsets, boards.widths, boards.starts, boards.goals, heads, codes)
    return codes, offsets


def wall_counts(boards: Boards) -> Cells:
    """How many walls each maze has, its border not counted."""
    border = 2 * (boards.widths + boards.heights) + 4
    if len(boards) == 0:
        return border
    counts: Cells = np.add.reduceat(boards.grids, boards.offsets[:-1], dtype=np.int32) - border
    return counts


def hashes(boards: Boards) -> tuple[list[str], list[str]]:
    """`problem_id` and `split_key` of each board: of all that states it, and of its size and walls alone."""
    size = (boards.widths.astype(np.int64) * boards.heights + 7) // 8
    places = np.zeros(len(boards) + 1, np.int64)
    np.cumsum(size, out=places[1:])
    bits = np.zeros(places[-1], np.uint8)
    _pack(boards.grids, boards.offsets, boards.widths, bits, places)
    sizes = np.stack([boards.widths, boards.heights], axis=1).astype("<u4").tobytes()
    ends = np.stack([boards.starts, boards.goals], axis=1).astype("<u4").tobytes()
    packed, bounds = bits.tobytes(), places.tolist()
    ids: list[str] = []
    keys: list[str] = []
    known, key = b"", ""
    for row in range(len(boards)):
        layout = sizes[8 * row : 8 * row + 8] + packed[bounds[row] : bounds[row + 1]]
        if layout != known:
            known, key = layout, content_hash(b"maze", layout)
        ids.append(content_hash(b"maze", layout + ends[8 * row : 8 * row + 8]))
        keys.append(key)
    return ids, keys


@compiled
def _clear(grids: Grids, offsets: Offsets, widths: Cells, heights: Cells) -> None:
    for row in range(len(widths)):
        stride, last = widths[row] + 2, heights[row] + 1
        grid = grids[offsets[row] : offsets[row + 1]]
        grid[:] = 0
        grid[:stride] = 1
        grid[last * stride :] = 1
        for y in range(last):
            grid[y * stride] = 1
            grid[y * stride + stride - 1] = 1


@compiled
def _pack(grids: Grids, offsets: Offsets, widths: Cells, bits: Grids, places: Offsets) -> None:
    """The cells inside the borders in row-major order, eight to a byte, the first one highest."""
    for row in range(len(widths)):
        grid, stride = grids[offsets[row] : offsets[row + 1]], whole(widths[row]) + 2
        at = 8 * places[row]
        for y in range(1, len(grid) // stride - 1):
            for x in range(1, stride - 1):
                bits[at >> 3] |= grid[y * stride + x] << (7 - (at & 7))
                at += 1


@compiled
def _place(codes: Codes, at: int, head: int, width: int, height: int, side: int) -> int:
    """The place of the cell in the clause `head X Y` at `at`, or -1 where there is none."""
    if codes[at] != head or codes[at + 1] >= side or codes[at + 2] >= side:
        return -1
    x, y = whole(codes[at + 1]), whole(codes[at + 2])
    if x >= width or y >= height:
        return -1
    return (y + 1) * (width + 2) + x + 1


@compiled
def _parse(
    codes: Codes,
    offsets: Offsets,
    widths: Cells,
    heights: Cells,
    side: int,
    heads: int,
    grids: Grids,
    places: Offsets,
    starts: Cells,
    goals: Cells,
) -> int:
    for row in range(len(widths)):
        begin, end = offsets[row], offsets[row + 1]
        width, height = widths[row], heights[row]
        if end - begin < 6 or (end - begin) % 3:
            return row
        start = _place(codes, begin, heads, width, height, side)
        goal = _place(codes, begin + 3, heads + 1, width, height, side)
        if start < 0 or goal < 0:
            return row
        for at in range(begin + 6, end, 3):
            wall = _place(codes, at, heads + 2, width, height, side)
            if wall < 0 or wall in (start, goal):
                return row
            grids[places[row] + wall] = 1
        starts[row], goals[row] = start, goal
    return -1


@compiled
def _write(
    grids: Grids, offsets: Offsets, widths: Cells, starts: Cells, goals: Cells, heads: int, out: Codes
) -> None:
    at = 0
    for row in range(len(widths)):
        stride = whole(widths[row] + 2)
        grid = grids[offsets[row] : offsets[row + 1]]
        start, goal = whole(starts[row]), whole(goals[row])
        out[at], out[at + 1], out[at + 2] = heads, start % stride - 1, start // stride - 1
        out[at + 3], out[at + 4], out[at + 5] = heads + 1, goal % stride - 1, goal // stride - 1
        at += 6
        for y in range(len(grid) // stride - 2):
            for x in range(stride - 2):
                if grid[(y + 1) * stride + x + 1]:
                    out[at], out[at + 1], out[at + 2] = heads + 2, x, y
                    at += 3
