"""Plans judged by rules and by breadth-first distance, compiled; no search is shared with the teacher."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generators.compiled import compiled, whole
from generators.maze.boards import Boards, Cells, Grids
from generators.words import Codes, Offsets

MALFORMED, WRONG, VALID, OPTIMAL = 0, 1, 2, 3

REASONS = {
    1: "there is no plan",
    2: "clause {0} of the plan is not `plan X Y`",
    3: "clause {0} of the plan names {1} {2}, which is outside the maze",
    4: "the plan begins at {1} {2}, which is not the start",
    5: "clause {0} of the plan jumps to {1} {2}",
    6: "clause {0} of the plan enters the wall at {1} {2}",
    7: "the plan ends at {1} {2}, which is not the goal",
    8: "the plan has {0} moves where {1} are enough",
}
"""What can be wrong with a plan; {0} to {2} are the numbers of a finding."""

NO_PLAN, BAD_CLAUSE, OUTSIDE, BAD_START, JUMP, INTO_WALL, BAD_GOAL, DETOUR = REASONS

Finding = tuple[int, int, int, int]
"""A reason, or 0, with three numbers for its sentence."""


def judge(
    boards: Boards, plan: Codes, offsets: Offsets, side: int, head: int
) -> tuple[NDArray[np.uint8], Cells, Cells]:
    """Verdicts, moves, and findings of shape (rows, 4); `head` is the code of `plan`."""
    rows, size = len(boards), int(np.diff(boards.offsets).max(initial=16))
    verdicts, moves = np.zeros(rows, np.uint8), np.zeros(rows, np.int32)
    findings, work = np.zeros((rows, 4), np.int32), np.zeros((2, size), np.int32)
    _judge(
        boards.widths, boards.grids, boards.offsets, boards.starts, boards.goals, plan, offsets, side, head,
        work[0], work[1], verdicts, moves, findings,
    )  # fmt: skip
    return verdicts, moves, findings


@compiled
def _shortest(grid: Grids, stride: int, start: int, goal: int, distance: Cells, queue: Cells) -> int:
    """Moves of a shortest path by breadth-first search, -1 if there is none.

    The sampler has a search of its own: the verifier shares no search with what it judges.
    """
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
    return whole(distance[goal])


@compiled
def _grammar(plan: Codes, width: int, height: int, side: int, head: int) -> Finding:
    """The first clause of a plan that is none."""
    if len(plan) == 0:
        return NO_PLAN, 0, 0, 0
    for at in range(0, len(plan), 3):
        if at + 3 > len(plan) or plan[at] != head:
            return BAD_CLAUSE, at // 3, 0, 0
        if plan[at + 1] >= side or plan[at + 2] >= side:
            return BAD_CLAUSE, at // 3, 0, 0
        if plan[at + 1] >= width or plan[at + 2] >= height:
            return OUTSIDE, at // 3, whole(plan[at + 1]), whole(plan[at + 2])
    return 0, 0, 0, 0


@compiled
def _path(plan: Codes, grid: Grids, stride: int, start: int, goal: int) -> Finding:
    """The first thing that is wrong with a grammatical plan."""
    before, x, y = start, 0, 0
    for at in range(0, len(plan), 3):
        x, y = whole(plan[at + 1]), whole(plan[at + 2])
        here = (y + 1) * stride + x + 1
        if at == 0 and here != start:
            return BAD_START, 0, x, y
        if at > 0 and abs(here - before) != 1 and abs(here - before) != stride:
            return JUMP, at // 3, x, y
        if grid[here]:
            return INTO_WALL, at // 3, x, y
        before = here
    return (BAD_GOAL if before != goal else 0), 0, x, y


@compiled
def _judge(
    widths: Cells,
    grids: Grids,
    places: Offsets,
    starts: Cells,
    goals: Cells,
    plans: Codes,
    offsets: Offsets,
    side: int,
    head: int,
    distance: Cells,
    queue: Cells,
    verdicts: NDArray[np.uint8],
    moves: Cells,
    findings: Cells,
) -> None:
    for row in range(len(widths)):
        grid, stride = grids[places[row] : places[row + 1]], whole(widths[row]) + 2
        start, goal = whole(starts[row]), whole(goals[row])
        plan = plans[offsets[row] : offsets[row + 1]]
        verdict, finding = MALFORMED, _grammar(plan, stride - 2, len(grid) // stride - 2, side, head)
        if finding[0] == 0:
            verdict, finding = WRONG, _path(plan, grid, stride, start, goal)
        moves[row] = len(plan) // 3 - 1
        if finding[0] == 0:
            shortest = _shortest(grid, stride, start, goal, distance, queue)
            verdict = OPTIMAL if moves[row] == shortest else VALID
            finding = (DETOUR if verdict == VALID else 0), whole(moves[row]), shortest, 0
        verdicts[row] = verdict
        findings[row, 0], findings[row, 1], findings[row, 2], findings[row, 3] = finding
