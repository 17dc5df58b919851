"""Traces replayed step by step by rules, compiled; never compared with the teacher's.

A trace is cut into *steps* at its clause heads: a step is one clause `create|close X Y cG cH`, numbered
from 0; words before the first head are a step too. A step that is not such a clause is malformed. The replay
keeps for every cell whether it is open or closed, its g and its parent; a `create` opens its cell, as a child
of the cell closed last, unless the cell already has as small a g.

- *legal*: the first step is the `create` of the start with g = 0; every other `create` is of a free
  neighbour of the cell closed last, with g one more than its g; every `close` is of an open cell with its g;
  every h is right.
- *sound*: legal, the goal was closed, and the plan is the chain of its parents.
- *exact*: sound, and what A* does: every closed cell has the smallest f of the open ones, every neighbour
  that has no g yet or would get a smaller one is created before the next close, no other is created, and
  nothing follows the close of the goal. How ties among equal f are broken does not matter.

The first departure is the first step that breaks the rules of an exact trace, whether or not it is legal; a
plan that is not the chain of parents, and a trace that stops too early, depart at the step after the last.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled, whole
from generators.maze.boards import Boards, Cells, Grids
from generators.words import Codes, Offsets

NONE, LEGAL, SOUND, EXACT = 0, 1, 2, 3

REASONS = {
    1: "the trace is empty",
    2: "step {step} is not a clause `create X Y cG cH` or `close X Y cG cH`",
    3: "step {step} does not create the start with g 0",
    4: "step {step} names {0} {1}, which is outside the maze",
    5: "step {step} creates the wall at {0} {1}",
    6: "step {step} creates {0} {1} before any cell was closed",
    7: "step {step} creates {0} {1}, no neighbour of the cell closed last",
    8: "step {step} gives {0} {1} a wrong g; {2} is right",
    9: "step {step} gives {0} {1} a wrong h; {2} is right",
    10: "step {step} closes {0} {1}, which is not open",
    11: "step {step} follows the close of the goal",
    12: "step {step} creates {0} {1} again, which already had g {2}",
    13: "step {step} closes {0} {1} while an open cell has f {2}, which is less",
    14: "step {step} closes a cell before the neighbour {0} {1} of the last one is created",
    15: "the trace stops at step {step}, before the goal is closed",
    16: "the plan is not the chain of parents in the trace",
}
"""How a trace can depart from an exact one; {0} to {2} are the numbers of a finding."""

(
    EMPTY, NO_CLAUSE, NO_START, OFF_GRID, WALL, NOTHING_CLOSED, NO_NEIGHBOUR, BAD_G, BAD_H, NOT_OPEN,
    AFTER_GOAL, NO_GAIN, NOT_LEAST, FORGOTTEN, UNFINISHED, OTHER_PLAN,
) = REASONS  # fmt: skip

Finding = tuple[int, int, int, int]
"""A reason, or 0, with three numbers for its sentence."""

Replayed = NDArray[np.int32]
"""Shape (cells of the bordered grid, 3): the STATUS, g and parent of every cell."""

STATUS, COST, PARENT = 0, 1, 2

OPEN, CLOSED = 1, 2


class Codebook(NamedTuple):
    """Codes of the search notation: how many coordinates, of `c0`, and of `start`."""

    side: int
    costs: int
    heads: int


class Board(NamedTuple):
    """One maze without its grid; what a step needs is worked out once, as divisions are slow.

    It holds numbers alone: a tuple with arrays costs a reference count for each at every call.
    """

    stride: int
    width: int
    height: int
    start: int
    goal: int
    goal_x: int
    goal_y: int


class Step(NamedTuple):
    """One clause of a trace; `here` is the place of its cell."""

    creates: bool
    x: int
    y: int
    here: int
    g: int
    h: int


class Replays(NamedTuple):
    """What is found of each trace."""

    levels: NDArray[np.uint8]
    steps: Cells
    malformed: Cells
    """The first step that is not a clause, or -1."""
    departures: Cells
    """The first step that an exact trace would not have, or -1."""
    findings: Cells
    """Shape (rows, 4): the reason of the departure, or 0, and its numbers."""


def replay(
    boards: Boards, trace: tuple[Codes, Offsets], plan: tuple[Codes, Offsets], codebook: Codebook
) -> Replays:
    """Replay the trace on each board, and see whether the plan follows from it."""
    rows, size = len(boards), int(np.diff(boards.offsets).max(initial=16))
    found = Replays(
        np.zeros(rows, np.uint8), np.zeros(rows, np.int32), np.full(rows, -1, np.int32),
        np.full(rows, -1, np.int32), np.zeros((rows, 4), np.int32),
    )  # fmt: skip
    levels = np.zeros(2 * (codebook.heads - codebook.costs) + 2, np.int32)
    _replay_all(
        boards.widths, boards.grids, boards.offsets, boards.starts, boards.goals, *trace, *plan, codebook,
        np.zeros((size, 3), np.int32), levels, found,
    )  # fmt: skip
    return found


@compiled
def _steps(trace: Codes, codes: Codebook) -> tuple[int, int]:
    """How many steps a trace has, and the first that is not a clause (-1: none)."""
    steps, bad, begin, create = 0, -1, 0, codes.heads + 3
    while begin < len(trace):
        end = begin + 1
        while end < len(trace) and trace[end] != create and trace[end] != create + 1:
            end += 1
        if bad < 0 and not _is_clause(trace, begin, end, codes):
            bad = steps
        steps, begin = steps + 1, end
    return steps, bad


@compiled
def _is_clause(trace: Codes, begin: int, end: int, codes: Codebook) -> bool:
    if end - begin != 5 or not codes.heads + 3 <= trace[begin] <= codes.heads + 4:
        return False
    if trace[begin + 1] >= codes.side or trace[begin + 2] >= codes.side:
        return False
    g, h = whole(trace[begin + 3]), whole(trace[begin + 4])
    return codes.costs <= g < codes.heads and codes.costs <= h < codes.heads


@compiled
def _create_fault(step: Step, board: Board, grid: Grids, cells: Replayed, last: int) -> int:
    """Why a later `create` is not legal, or 0."""
    if grid[step.here]:
        return WALL
    if last < 0:
        return NOTHING_CLOSED
    if abs(step.here - last) != 1 and abs(step.here - last) != board.stride:
        return NO_NEIGHBOUR
    return 0 if step.g == cells[last, COST] + 1 else BAD_G


@compiled
def _illegal(step: Step, first: bool, board: Board, grid: Grids, cells: Replayed, last: int) -> Finding:
    """Why a step is not legal; its numbers are the cell's coordinates and the cost that would be right."""
    if step.x >= board.width or step.y >= board.height:
        return OFF_GRID, step.x, step.y, 0
    right = 0
    if first:
        fault = 0 if step.creates and step.here == board.start and step.g == 0 else NO_START
    elif step.creates:
        fault, right = _create_fault(step, board, grid, cells, last), whole(cells[last, COST]) + 1
    else:
        right = whole(cells[step.here, COST])
        fault = NOT_OPEN if cells[step.here, STATUS] != OPEN else (0 if step.g == right else BAD_G)
    right_h = abs(step.x - board.goal_x) + abs(step.y - board.goal_y)
    if fault == 0 and step.h != right_h:
        fault, right = BAD_H, right_h
    return fault, step.x, step.y, right


@compiled
def _inexact(step: Step, board: Board, grid: Grids, cells: Replayed, last: int, least: int) -> Finding:
    """Why a legal step is not what A* does; `least` is the smallest f of an open cell."""
    if last == board.goal:
        return AFTER_GOAL, step.x, step.y, 0
    if step.creates:
        known = cells[step.here, STATUS] != 0 and cells[step.here, COST] <= step.g
        return (NO_GAIN if known else 0), step.x, step.y, whole(cells[step.here, COST])
    forgotten = _forgotten(board, grid, cells, last)
    if forgotten >= 0:
        return FORGOTTEN, forgotten % board.stride - 1, forgotten // board.stride - 1, 0
    return (NOT_LEAST if step.g + step.h > least else 0), step.x, step.y, least


@compiled
def _forgotten(board: Board, grid: Grids, cells: Replayed, last: int) -> int:
    """A neighbour of the cell closed last that A* would have created by now, or -1."""
    if last < 0:
        return -1
    gained = cells[last, COST] + 1
    for near in (last + board.stride, last - board.stride, last - 1, last + 1):
        if not grid[near] and (cells[near, STATUS] == 0 or cells[near, COST] > gained):
            return near
    return -1


@compiled
def _enter(step: Step, cells: Replayed, levels: Cells, last: int) -> None:
    """Carry out a legal step."""
    here, f = step.here, step.g + step.h
    if not step.creates:
        cells[here, STATUS] = CLOSED
        levels[f] -= 1
    elif cells[here, STATUS] == 0 or step.g < cells[here, COST]:
        if cells[here, STATUS] == OPEN:
            levels[cells[here, COST] + step.h] -= 1
        cells[here, STATUS], cells[here, COST], cells[here, PARENT] = OPEN, step.g, last
        levels[f] += 1


@compiled
def _step(trace: Codes, at: int, board: Board, codes: Codebook) -> Step:
    x, y = whole(trace[at + 1]), whole(trace[at + 2])
    g, h = whole(trace[at + 3]) - codes.costs, whole(trace[at + 4]) - codes.costs
    return Step(trace[at] == codes.heads + 3, x, y, (y + 1) * board.stride + x + 1, g, h)


@compiled
def _replay(
    trace: Codes,
    steps: int,
    board: Board,
    grid: Grids,
    codes: Codebook,
    cells: Replayed,
    levels: Cells,
) -> tuple[bool, int, Finding]:
    """Replay the first `steps` steps, which are clauses, up to the first that is not legal.

    Gives whether all are legal, and the first departure (-1: none) with its reason.
    """
    cells[: len(grid), STATUS] = 0
    levels[:] = 0
    last, least, departure, finding = -1, 0, -1, (0, 0, 0, 0)
    for index in range(steps):
        step = _step(trace, 5 * index, board, codes)
        fault = _illegal(step, index == 0, board, grid, cells, last)
        if fault[0]:
            return False, (index if departure < 0 else departure), (fault if departure < 0 else finding)
        if departure < 0:
            # In an exact trace the smallest f of the open cells never falls, so this never looks back.
            while not step.creates and levels[least] == 0:
                least += 1
            fault = _inexact(step, board, grid, cells, last, least)
            if fault[0]:
                departure, finding = index, fault
        _enter(step, cells, levels, last)
        last = last if step.creates else step.here
    return True, departure, finding


@compiled
def _chain(plan: Codes, board: Board, cells: Replayed, head: int) -> bool:
    """Whether the plan is the chain of parents from the goal back to the start."""
    here, at = board.goal, len(plan) - 3
    while at >= 0:
        x, y = whole(plan[at + 1]), whole(plan[at + 2])
        if plan[at] != head or x >= board.width or (y + 1) * board.stride + x + 1 != here:
            return False
        if here == board.start:
            return at == 0
        here, at = whole(cells[here, PARENT]), at - 3
    return False


@compiled
def _trace(
    trace: Codes, plan: Codes, board: Board, grid: Grids, codes: Codebook, cells: Replayed, levels: Cells
) -> tuple[int, int, int, int, Finding]:
    """Level, steps, first malformed step, first departure and its reason (-1: none)."""
    steps, bad = _steps(trace, codes)
    if steps == 0:
        return NONE, 0, -1, 0, (EMPTY, 0, 0, 0)
    legal, departure, finding = _replay(trace, steps if bad < 0 else bad, board, grid, codes, cells, levels)
    if bad >= 0 and departure < 0:
        departure, finding = bad, (NO_CLAUSE, 0, 0, 0)
    if bad >= 0 or not legal:
        return NONE, steps, bad, departure, finding
    closed = cells[board.goal, STATUS] == CLOSED
    sound = closed and _chain(plan, board, cells, codes.heads + 5)
    if not sound and departure < 0:
        departure, finding = steps, (OTHER_PLAN if closed else UNFINISHED, 0, 0, 0)
    if not sound:
        return LEGAL, steps, bad, departure, finding
    return (EXACT if departure < 0 else SOUND), steps, bad, departure, finding


@compiled
def _replay_all(
    widths: Cells,
    grids: Grids,
    places: Offsets,
    starts: Cells,
    goals: Cells,
    traces: Codes,
    trace_offsets: Offsets,
    plans: Codes,
    plan_offsets: Offsets,
    codes: Codebook,
    cells: Replayed,
    levels: Cells,
    found: Replays,
) -> None:
    for row in range(len(widths)):
        grid, stride = grids[places[row] : places[row + 1]], whole(widths[row]) + 2
        start, goal, height = whole(starts[row]), whole(goals[row]), len(grid) // stride - 2
        board = Board(stride, stride - 2, height, start, goal, goal % stride - 1, goal // stride - 1)
        trace = traces[trace_offsets[row] : trace_offsets[row + 1]]
        plan = plans[plan_offsets[row] : plan_offsets[row + 1]]
        level, steps, bad, departure, finding = _trace(trace, plan, board, grid, codes, cells, levels)
        found.levels[row], found.steps[row] = level, steps
        found.malformed[row], found.departures[row] = bad, departure
        row_found = found.findings[row]
        row_found[0], row_found[1], row_found[2], row_found[3] = finding
