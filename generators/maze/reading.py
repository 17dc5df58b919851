"""Mazes of the user's own, drawn in ASCII: `#` wall, `.` free, `S` start, `G` goal; blank lines part them.

The first line of a maze is y = 0, its first character x = 0. Blanks at the end of a line do not count.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from generators.domain import BadProblem
from generators.maze.boards import Boards, blank

Lines = list[tuple[int, str]]
"""The lines of one maze with their numbers in the source."""


def text_of(source: str) -> str:
    """The text itself, or what stands in the file of that name. Raises BadProblem."""
    if "\n" in source or not source.strip("#.SG "):
        return source
    try:
        return Path(source).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadProblem(f"there is no file {source}") from None
    except (OSError, ValueError) as cause:
        raise BadProblem(f"{source} cannot be read as text: {cause}") from None


def mazes(text: str) -> list[Lines]:
    """The lines of each maze. Raises BadProblem for a text without one."""
    found: list[Lines] = [[]]
    for number, line in enumerate(text.splitlines(), start=1):
        row = line.rstrip()
        if row:
            found[-1].append((number, row))
        elif found[-1]:
            found.append([])
    found = [lines for lines in found if lines]
    if not found:
        raise BadProblem("there is no maze: the text is empty")
    return found


def read(source: str) -> tuple[Boards, list[int]]:
    """The boards of a source, and the line on which each begins. Raises BadProblem naming line and cause."""
    drawn = mazes(text_of(source))
    for lines in drawn:
        _refuse(lines)
    widths = np.array([len(lines[0][1]) for lines in drawn], np.int32)
    heights = np.array([len(lines) for lines in drawn], np.int32)
    grids, offsets = blank(widths, heights)
    starts, goals = np.zeros(len(drawn), np.int32), np.zeros(len(drawn), np.int32)
    boards = Boards(widths=widths, heights=heights, starts=starts, goals=goals, grids=grids, offsets=offsets)
    for row, lines in enumerate(drawn):
        cells = np.array([list(line) for _, line in lines])
        boards.grid(row)[:] = cells == "#"
        starts[row], goals[row] = (_place(cells, mark) for mark in "SG")
    return boards, [lines[0][0] for lines in drawn]


def _place(cells: np.ndarray[tuple[int, int], np.dtype[np.str_]], mark: str) -> int:
    y, x = np.argwhere(cells == mark)[0]
    return int((y + 1) * (cells.shape[1] + 2) + x + 1)


def _refuse(lines: Lines) -> None:
    """Raise BadProblem for the first thing that is wrong with a maze."""
    first, width = lines[0][0], len(lines[0][1])
    for number, line in lines:
        for column, mark in enumerate(line, start=1):
            if mark not in "#.SG":
                raise BadProblem(f"line {number}, column {column}: '{mark}' is none of # . S G")
        if len(line) != width:
            raise BadProblem(f"line {number} has {len(line)} cells, line {first} has {width}")
    for mark, noun in (("S", "start"), ("G", "goal")):
        _one(lines, mark, noun)


def _one(lines: Lines, mark: str, noun: str) -> None:
    found = [number for number, line in lines for _ in range(line.count(mark))]
    if not found:
        raise BadProblem(f"the maze at line {lines[0][0]} has no {noun} ({mark})")
    if len(found) > 1:
        raise BadProblem(f"line {found[1]}: a second {noun} ({mark}), the first is in line {found[0]}")
