"""The verifier of mazes, compiled: plans by rules and breadth-first distance, traces by replay.

It reads the maze and the response alone, never a column of the solver, and shares no search with it.

A trace is cut into *steps* at its clause heads: a step is one clause `create|close X Y cG cH`, numbered from
0; words before the first head are a step too. A step that is not such a clause is malformed. The replay keeps
for every cell whether it is open or closed, its g and its parent; a `create` opens its cell, as a child of the
cell closed last, unless the cell already has as small a g.

- *legal*: the first step is the `create` of the start with g = 0; every other `create` is of a free neighbour
  of the cell closed last, with g one more than its g; every `close` is of an open cell with its g; h is right.
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

from generators.maze.boards import Boards, Cells, Grids
from generators.maze.compiled import compiled
from generators.words import Codes, Offsets

NONE, LEGAL, SOUND, EXACT = 0, 1, 2, 3
MALFORMED, WRONG, VALID, OPTIMAL = 0, 1, 2, 3

# What is wrong with an answer. Reasons are numbers in the kernels and sentences in `reasons.py`.
NOT_ENDED, BAD_TRACE, NO_PLAN, BAD_CLAUSE, OUTSIDE, BAD_START, JUMP, INTO_WALL, BAD_GOAL, DETOUR = range(1, 11)

# What is wrong with a trace.
(
    EMPTY, NO_CLAUSE, NO_START, OFF_GRID, WALL, NOTHING_CLOSED, NO_NEIGHBOUR, BAD_G, BAD_H, NOT_OPEN,
    AFTER_GOAL, NO_GAIN, NOT_LEAST, FORGOTTEN, UNFINISHED, OTHER_PLAN,
) = range(1, 17)  # fmt: skip
Finding = tuple[int, int, int, int]
"""A reason with up to three numbers for its sentence."""


class Codebook(NamedTuple):
    """Codes of the search notation: how many coordinates, of `c0`, and of `start`."""

    side: int
    costs: int
    heads: int


class Work(NamedTuple):
    """Arrays that every row reuses, one item a cell of the largest bordered grid."""

    status: Grids
    """0: never created, 1: open, 2: closed."""
    cost: Cells
    parent: Cells
    queue: Cells
    levels: Cells
    """How many open cells there are of each f."""


class Step(NamedTuple):
    """One clause of a trace."""

    creates: bool
    x: int
    y: int
    g: int
    h: int


class Judged(NamedTuple):
    """One row of numbers a response."""

    verdicts: NDArray[np.uint8]
    moves: Cells
    """Of a plan that is valid."""
    answer_reasons: Cells
    """Shape (rows, 4): the reason, or 0, and its numbers."""
    levels: NDArray[np.uint8]
    steps: Cells
    departures: Cells
    """-1 where the trace is exact."""
    trace_reasons: Cells


class Responses(NamedTuple):
    """Traces and plans as codes of the search notation; any code may stand anywhere."""

    trace: Codes
    trace_offsets: Offsets
    plan: Codes
    plan_offsets: Offsets
    ended: NDArray[np.bool_]


def judge(boards: Boards, responses: Responses, codebook: Codebook) -> Judged:
    """Judge the response to each board."""
    rows, size = len(boards), int(np.diff(boards.offsets).max(initial=16))
    judged = Judged(
        np.zeros(rows, np.uint8), np.zeros(rows, np.int32), np.zeros((rows, 4), np.int32),
        np.zeros(rows, np.uint8), np.zeros(rows, np.int32), np.full(rows, -1, np.int32),
        np.zeros((rows, 4), np.int32),
    )  # fmt: skip
    cells = [np.zeros(size, np.int32) for _ in range(3)]
    levels = np.zeros(2 * (codebook.heads - codebook.costs) + 2, np.int32)
    work = Work(np.zeros(size, np.uint8), *cells, levels)
    _judge(
        boards.widths, boards.grids, boards.offsets, boards.starts, boards.goals, responses, codebook, work,
        judged,
    )  # fmt: skip
    return judged


@compiled
def _steps(trace: Codes, codes: Codebook) -> tuple[int, int]:
    """How many steps a trace has, and the first that is not a clause (-1: none)."""
    steps, bad, begin, create = 0, -1, 0, codes.heads + 3
    while begin < len(trace):
        end = begin + 1
        while end < len(trace) and trace[end] != create and trace[end] != create + 1:
            end += 1
        if bad < 0 and not _is_clause(trace[begin:end], codes):
            bad = steps
        steps, begin = steps + 1, end
    return steps, bad


@compiled
def _is_clause(step: Codes, codes: Codebook) -> bool:
    if len(step) != 5 or not codes.heads + 3 <= step[0] <= codes.heads + 4:
        return False
    return (
        step[1] < codes.side
        and step[2] < codes.side
        and codes.costs <= step[3] < codes.heads
        and codes.costs <= step[4] < codes.heads
    )


@compiled
def _shortest(grid: Grids, stride: int, start: int, goal: int, work: Work) -> int:
    """Moves of a shortest path by breadth-first search, -1 if there is none."""
    distance, queue = work.cost, work.queue
    distance[: len(grid)] = -1
    distance[start], queue[0] = 0, start
    head, tail = 0, 1
    while head < tail and distance[goal] < 0:
        here = queue[head]
        head += 1
        for near in (here + stride, here - stride, here - 1, here + 1):
            if not grid[near] and distance[near] < 0:
                distance[near], queue[tail] = distance[here] + 1, near
                tail += 1
    return np.int64(distance[goal])


@compiled
def _plan_grammar(plan: Codes, codes: Codebook, width: int, height: int) -> Finding:
    if len(plan) == 0:
        return NO_PLAN, 0, 0, 0
    for at in range(0, len(plan), 3):
        if at + 3 > len(plan) or plan[at] != codes.heads + 5:
            return BAD_CLAUSE, at // 3, 0, 0
        if plan[at + 1] >= codes.side or plan[at + 2] >= codes.side:
            return BAD_CLAUSE, at // 3, 0, 0
        if plan[at + 1] >= width or plan[at + 2] >= height:
            return OUTSIDE, at // 3, np.int64(plan[at + 1]), np.int64(plan[at + 2])
    return 0, 0, 0, 0


@compiled
def _plan_path(plan: Codes, grid: Grids, stride: int, start: int, goal: int) -> Finding:
    """The first thing that is wrong with a grammatical plan."""
    before = start
    for at in range(0, len(plan), 3):
        x, y = np.int64(plan[at + 1]), np.int64(plan[at + 2])
        here = (y + 1) * stride + x + 1
        if at == 0 and here != start:
            return BAD_START, 0, x, y
        if at > 0 and abs(here - before) != 1 and abs(here - before) != stride:
            return JUMP, at // 3, x, y
        if grid[here]:
            return INTO_WALL, at // 3, x, y
        before = here
    if before != goal:
        return BAD_GOAL, 0, before % stride - 1, before // stride - 1
    return 0, 0, 0, 0


@compiled
def _answer(
    plan: Codes, grid: Grids, stride: int, start: int, goal: int, codes: Codebook, work: Work
) -> tuple[int, Finding]:
    """The verdict on a plan."""
    finding = _plan_grammar(plan, codes, stride - 2, len(grid) // stride - 2)
    if finding[0]:
        return MALFORMED, finding
    finding = _plan_path(plan, grid, stride, start, goal)
    if finding[0]:
        return WRONG, finding
    moves, shortest = len(plan) // 3 - 1, _shortest(grid, stride, start, goal, work)
    if moves > shortest:
        return VALID, (DETOUR, moves, shortest, 0)
    return OPTIMAL, (0, 0, 0, 0)


@compiled
def _create_fault(grid: Grids, stride: int, work: Work, last: int, here: int, g: int) -> int:
    """Why a later `create` is not legal, or 0."""
    if grid[here]:
        return WALL
    if last < 0:
        return NOTHING_CLOSED
    if abs(here - last) != 1 and abs(here - last) != stride:
        return NO_NEIGHBOUR
    return 0 if g == work.cost[last] + 1 else BAD_G


@compiled
def _illegal(
    step: Step, index: int, grid: Grids, stride: int, work: Work, last: int, start: int, goal: int
) -> Finding:
    """Why a step is not legal; its numbers are the cell's coordinates and the cost that would be right."""
    x, y = step.x, step.y
    if x >= stride - 2 or y >= len(grid) // stride - 2:
        return OFF_GRID, x, y, 0
    here, right = (y + 1) * stride + x + 1, np.int64(0)
    if index == 0:
        fault = 0 if step.creates and here == start and step.g == 0 else NO_START
    elif step.creates:
        fault, right = _create_fault(grid, stride, work, last, here, step.g), np.int64(work.cost[last]) + 1
    else:
        right = np.int64(work.cost[here])
        fault = NOT_OPEN if work.status[here] != 1 else (0 if step.g == right else BAD_G)
    right_h = abs(x - (goal % stride - 1)) + abs(y - (goal // stride - 1))
    if fault == 0 and step.h != right_h:
        return BAD_H, x, y, right_h
    return fault, x, y, right


@compiled
def _inexact(step: Step, here: int, grid: Grids, stride: int, work: Work, last: int, goal: int, least: int) -> Finding:
    """Why a legal step is not what A* does."""
    if last == goal:
        return AFTER_GOAL, step.x, step.y, 0
    if step.creates:
        known = work.status[here] != 0 and work.cost[here] <= step.g
        return (NO_GAIN if known else 0), step.x, step.y, np.int64(work.cost[here])
    forgotten = _forgotten(grid, stride, work, last) if last >= 0 else -1
    if forgotten >= 0:
        return FORGOTTEN, forgotten % stride - 1, forgotten // stride - 1, 0
    return (NOT_LEAST if step.g + step.h > least else 0), step.x, step.y, least


@compiled
def _forgotten(grid: Grids, stride: int, work: Work, last: int) -> int:
    """A neighbour of the cell closed last that A* would have created by now, or -1."""
    for near in (last + stride, last - stride, last - 1, last + 1):
        if not grid[near] and (work.status[near] == 0 or work.cost[near] > work.cost[last] + 1):
            return near
    return -1


@compiled
def _enter(work: Work, step: Step, here: int, last: int) -> None:
    """Carry out a legal step."""
    f = step.g + step.h
    if not step.creates:
        work.status[here] = 2
        work.levels[f] -= 1
    elif work.status[here] == 0 or step.g < work.cost[here]:
        if work.status[here] == 1:
            work.levels[work.cost[here] + step.h] -= 1
        work.status[here], work.cost[here], work.parent[here] = 1, step.g, last
        work.levels[f] += 1


@compiled
def _replay(
    trace: Codes, steps: int, grid: Grids, stride: int, start: int, goal: int, codes: Codebook, work: Work
) -> tuple[bool, int, Finding]:
    """Replay the first `steps` steps, which are clauses, up to the first that is not legal.

    Gives whether all are legal, and the first departure (-1: none) with its reason.
    """
    work.status[: len(grid)] = 0
    work.levels[:] = 0
    last, least, departure, finding = -1, 0, -1, (0, 0, 0, 0)
    for index in range(steps):
        at = 5 * index
        step = Step(
            trace[at] == codes.heads + 3,
            np.int64(trace[at + 1]),
            np.int64(trace[at + 2]),
            np.int64(trace[at + 3]) - codes.costs,
            np.int64(trace[at + 4]) - codes.costs,
        )
        fault = _illegal(step, index, grid, stride, work, last, start, goal)
        if fault[0]:
            return False, (index if departure < 0 else departure), (fault if departure < 0 else finding)
        here = (step.y + 1) * stride + step.x + 1
        if departure < 0:
            # In an exact trace the smallest f of the open cells never falls, so this never looks back.
            while not step.creates and work.levels[least] == 0:
                least += 1
            fault = _inexact(step, here, grid, stride, work, last, goal, least)
            if fault[0]:
                departure, finding = index, fault
        _enter(work, step, here, last)
        last = last if step.creates else here
    return True, departure, finding


@compiled
def _chain(work: Work, plan: Codes, stride: int, start: int, goal: int, head: int) -> bool:
    """Whether the plan is the chain of parents from the goal back to the start."""
    here, at = goal, len(plan) - 3
    while at >= 0:
        if plan[at] != head or plan[at + 1] != here % stride - 1 or plan[at + 2] != here // stride - 1:
            return False
        if here == start:
            return at == 0
        here, at = np.int64(work.parent[here]), at - 3
    return False


@compiled
def _trace(
    trace: Codes, plan: Codes, grid: Grids, stride: int, start: int, goal: int, codes: Codebook, work: Work
) -> tuple[int, int, int, int, Finding]:
    """Level, steps, first malformed step, first departure and its reason (-1: none)."""
    steps, bad = _steps(trace, codes)
    if steps == 0:
        return NONE, 0, -1, 0, (EMPTY, 0, 0, 0)
    legal, departure, finding = _replay(
        trace, steps if bad < 0 else bad, grid, stride, start, goal, codes, work
    )
    if bad >= 0 and departure < 0:
        departure, finding = bad, (NO_CLAUSE, 0, 0, 0)
    if bad >= 0 or not legal:
        return NONE, steps, bad, departure, finding
    closed = work.status[goal] == 2
    sound = closed and _chain(work, plan, stride, start, goal, codes.heads + 5)
    if not sound and departure < 0:
        departure, finding = steps, (OTHER_PLAN if closed else UNFINISHED, 0, 0, 0)
    if not sound:
        return LEGAL, steps, bad, departure, finding
    return (EXACT if departure < 0 else SOUND), steps, bad, departure, finding


@compiled
def _note(reasons: Cells, row: int, finding: Finding) -> None:
    reasons[row, 0], reasons[row, 1], reasons[row, 2], reasons[row, 3] = finding


@compiled
def _judge(
    widths: Cells,
    grids: Grids,
    offsets: Offsets,
    starts: Cells,
    goals: Cells,
    responses: Responses,
    codes: Codebook,
    work: Work,
    judged: Judged,
) -> None:
    for row in range(len(widths)):
        grid, stride = grids[offsets[row] : offsets[row + 1]], np.int64(widths[row]) + 2
        start, goal = np.int64(starts[row]), np.int64(goals[row])
        trace = responses.trace[responses.trace_offsets[row] : responses.trace_offsets[row + 1]]
        plan = responses.plan[responses.plan_offsets[row] : responses.plan_offsets[row + 1]]
        verdict, finding = _answer(plan, grid, stride, start, goal, codes, work)
        level, steps, bad, departure, fault = _trace(trace, plan, grid, stride, start, goal, codes, work)
        if bad >= 0:
            verdict, finding = MALFORMED, (BAD_TRACE, bad, 0, 0)
        if not responses.ended[row]:
            verdict, finding = MALFORMED, (NOT_ENDED, 0, 0, 0)
        judged.verdicts[row], judged.levels[row] = verdict, level
        judged.moves[row] = len(plan) // 3 - 1
        judged.steps[row], judged.departures[row] = steps, departure
        _note(judged.answer_reasons, row, finding)
        _note(judged.trace_reasons, row, fault)
