"""Random wall layouts, and starts and goals on them that are far enough apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.chance import State, below
from generators.compiled import compiled, whole
from generators.domain import BadProblem
from generators.maze.alphabet import OUTCOMES
from generators.maze.boards import Boards, Cells, Grids, blank

_ACCEPTED, _UNREACHABLE, _TOO_SHORT, _TOO_COSTLY, _REPEATED = 0, 2, 3, 4, 5

PATIENCE = 1_000_000
"""Draws in a row without an accepted problem after which the settings are held to be impossible."""

Counts = NDArray[np.int32]


class Sizes(NamedTuple):
    """What a draw must respect."""

    width: int
    height: int
    fewest_walls: int
    most_walls: int
    attempts: int
    largest_cost: int


class Work(NamedTuple):
    """Arrays that every layout reuses, one item a cell of the bordered grid."""

    cells: Cells
    """The cells inside the border; the walls of the layout come first."""
    grid: Grids
    region: Cells
    distance: Cells
    queue: Cells


def sample(state: State, rows: int, sizes: Sizes) -> tuple[Boards, Counts]:
    """`rows` accepted problems, and what was drawn for each since the one before (OUTCOMES).

    As in Searchformer: all cells are shuffled, the first ones are walls; up to `attempts` draws of a start
    and a goal are made on a layout, and those stay whose plan has at least max(width, height) states.
    Unreachable draws count as draws. Raises BadProblem when nothing is accepted for a very long time.
    """
    widths, heights = np.full(rows, sizes.width, np.int32), np.full(rows, sizes.height, np.int32)
    grids, offsets = blank(widths, heights)
    starts, goals = np.zeros(rows, np.int32), np.zeros(rows, np.int32)
    counts = np.zeros((rows + 1, len(OUTCOMES)), np.int32)
    made = _sample(state, sizes, _work(sizes), PATIENCE, grids, starts, goals, counts)
    if made < rows:
        spent = ", ".join(f"{count} {name}" for name, count in zip(OUTCOMES, counts[made], strict=True))
        raise BadProblem(
            f"no {sizes.width}x{sizes.height} maze with {sizes.fewest_walls} to {sizes.most_walls} walls and "
            f"costs up to {sizes.largest_cost} was accepted for {PATIENCE} draws in a row: {spent}"
        )
    boards = Boards(widths=widths, heights=heights, starts=starts, goals=goals, grids=grids, offsets=offsets)
    return boards, counts[:rows]


def _work(sizes: Sizes) -> Work:
    grid, _ = blank(np.array([sizes.width], np.int32), np.array([sizes.height], np.int32))
    cells = np.flatnonzero(grid == 0).astype(np.int32)
    region, distance, queue = (np.zeros(len(grid), np.int32) for _ in range(3))
    return Work(cells, grid, region, distance, queue)


@compiled
def _lay(state: State, sizes: Sizes, work: Work) -> int:
    """Draw a layout: a partial Fisher-Yates shuffle from any order gives every set of walls alike."""
    cells, grid = work.cells, work.grid
    walls = sizes.fewest_walls + below(state, sizes.most_walls - sizes.fewest_walls + 1)
    for at in range(len(cells)):
        grid[cells[at]] = 0
    for at in range(walls):
        other = at + below(state, len(cells) - at)
        cells[at], cells[other] = cells[other], cells[at]
        grid[cells[at]] = 1
    return walls


@compiled
def _label(work: Work, walls: int, stride: int) -> None:
    """Number the connected regions of free cells, so that most unreachable draws cost nothing."""
    cells, grid, region, queue = work.cells, work.grid, work.region, work.queue
    region[:] = 0
    for number in range(walls, len(cells)):
        seed = cells[number]
        if region[seed]:
            continue
        region[seed], queue[0] = number + 1, seed
        head, tail = 0, 1
        while head < tail:
            here = queue[head]
            head += 1
            for near in (here + stride, here - stride, here - 1, here + 1):
                if not grid[near] and not region[near]:
                    region[near], queue[tail] = number + 1, near
                    tail += 1


@compiled
def _distance(
    grid: Grids, distance: Cells, queue: Cells, stride: int, start: int, goal: int, enough: int
) -> int:
    """Moves from start to goal, which are in one region; some number from `enough` up if it is not less."""
    distance[:] = -1
    distance[start], queue[0] = 0, start
    head, tail = 0, 1
    while distance[goal] < 0:
        here = queue[head]
        head += 1
        if distance[here] + 1 >= enough:
            return enough
        for near in (here + stride, here - stride, here - 1, here + 1):
            if not grid[near] and distance[near] < 0:
                distance[near], queue[tail] = distance[here] + 1, near
                tail += 1
    return whole(distance[goal])


@compiled
def _needed_cost(moves: int, width: int, height: int) -> int:
    """The largest g or h in a trace: A* expands cells of g + h <= moves, so g <= moves and h <= moves + 1."""
    return max(moves, min(moves + 1, width + height - 2))


@compiled
def _outcome(sizes: Sizes, work: Work, start: int, goal: int) -> int:
    if work.region[start] != work.region[goal]:
        return _UNREACHABLE
    fewest = max(sizes.width, sizes.height) - 1
    free = sizes.width * sizes.height - sizes.fewest_walls
    # Costs that fit the longest plan there can be need no exact distance, so the search may stop early.
    binds = _needed_cost(free - 1, sizes.width, sizes.height) > sizes.largest_cost
    moves = _distance(
        work.grid, work.distance, work.queue, sizes.width + 2, start, goal, free if binds else fewest
    )
    if moves < fewest:
        return _TOO_SHORT
    if binds and _needed_cost(moves, sizes.width, sizes.height) > sizes.largest_cost:
        return _TOO_COSTLY
    return _ACCEPTED


@compiled
def _repeats(starts: Cells, goals: Cells, first: int, made: int, start: int, goal: int) -> bool:
    for row in range(first, made):  # noqa: SIM110  (a compiled loop)
        if starts[row] == start and goals[row] == goal:
            return True
    return False


@compiled
def _attempt(
    state: State, sizes: Sizes, work: Work, walls: int, first: int, made: int, starts: Cells, goals: Cells
) -> int:
    """One draw of two different free cells, judged; an accepted one stands in row `made`."""
    free = len(work.cells) - walls
    one, two = below(state, free), below(state, free - 1)
    start, goal = work.cells[walls + one], work.cells[walls + two + (two >= one)]
    outcome = _outcome(sizes, work, start, goal)
    if outcome == _ACCEPTED and _repeats(starts, goals, first, made, start, goal):
        return _REPEATED
    starts[made], goals[made] = start, goal
    return outcome


@compiled
def _sample(
    state: State,
    sizes: Sizes,
    work: Work,
    patience: int,
    grids: Grids,
    starts: Cells,
    goals: Cells,
    counts: Counts,
) -> int:
    """Fill the rows; gives how many were made, fewer than asked for only when patience ran out."""
    made, size = 0, len(work.grid)
    while made < len(starts):
        walls = _lay(state, sizes, work)
        _label(work, walls, sizes.width + 2)
        counts[made, 1] += 1
        first = made
        for _ in range(sizes.attempts):
            counts[made, 0] += 1
            outcome = _attempt(state, sizes, work, walls, first, made, starts, goals)
            if outcome != _ACCEPTED:
                counts[made, outcome] += 1
                continue
            grids[made * size : (made + 1) * size] = work.grid
            made += 1
            if made == len(starts):
                return made
        if counts[made, 0] > patience:
            return made
    return made
