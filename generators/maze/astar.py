"""A* on mazes, compiled: the teacher that leaves the traces."""

from __future__ import annotations

from math import factorial, log2
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generators.chance import State, below
from generators.compiled import compiled, whole
from generators.maze.alphabet import TIES, Ties
from generators.maze.boards import Boards, Cells, Grids
from generators.words import Codes, Offsets

_SEARCHFORMER, _DEEPEST, _RANDOM = 0, 1, 2

Bits = NDArray[np.float64]

_UNREACHED = np.int32(2**30)

_ORDERS: Bits = np.array([log2(factorial(children)) for children in range(5)])
"""-log2 of the probability of one order of so many children."""


class Paper(NamedTuple):
    """The words a trace is written with: codes of `c0` and of the first clause head (`start`)."""

    costs: int
    heads: int
    largest_cost: int


class Work(NamedTuple):
    """Arrays that every row reuses, one item a cell of the largest bordered grid."""

    x: Cells
    y: Cells
    cost: Cells
    parent: Cells
    place: Cells
    """Where an open cell stands in its frontier."""
    near: Cells
    far: Cells
    children: Cells
    logs: Bits
    """-log2 of the probability of one of so many open cells."""


class Solved(NamedTuple):
    """Traces and plans as flat codes with row offsets."""

    trace: Codes
    trace_offsets: Offsets
    plan: Codes
    plan_offsets: Offsets
    bits: Bits


class Unsolvable(ValueError):
    """A maze without a way from start to goal, or one whose costs have no words; `row` says which."""

    def __init__(self, row: int, cause: str) -> None:
        super().__init__(cause)
        self.row = row


def solve(boards: Boards, ties: Ties, states: State, paper: Paper) -> Solved:
    """Trace and plan of every board.

    The rules (searchformer.md section 3, from arXiv 2402.14083 and its published data): unit moves in the
    order y+1, y-1, x-1, x+1; h is the Manhattan distance; the open cell of the smallest f = g + h is closed;
    a neighbour is created when it never was, or again when its g becomes smaller; the goal is closed last.
    Among open cells of equal f, `searchformer` takes the smallest (y, x), `deepest` the smallest h and then
    (y, x), and `random` a uniform draw from the row's stream, which also puts the children of a cell into
    a uniform order. `bits` is -log2 of the probability of these choices: all of them show in the trace.

    Raises Unsolvable.
    """
    plans = np.zeros(len(boards) + 1, np.int64)
    traces = np.zeros(len(boards) + 1, np.int64)
    bits = np.zeros(len(boards))
    work = _work(boards)
    trace, plan, bad = _solve(
        boards.widths, boards.grids, boards.offsets, boards.starts, boards.goals,
        TIES.index(ties), states, paper, work, traces, plans, bits,
    )  # fmt: skip
    if bad >= 0:
        moves = int(work.cost[boards.goals[bad]])
        unreached = moves == _UNREACHED
        cause = f"a plan of {moves} moves needs costs above c{paper.largest_cost}"
        raise Unsolvable(bad, "there is no way from start to goal" if unreached else cause)
    return Solved(trace, traces, plan, plans, bits)


def lengths(boards: Boards, ties: Ties, states: State, runs: int) -> NDArray[np.int64]:
    """Words of the traces of `runs` runs on each board, shape (rows, runs); no trace is built.

    The runs of a row follow one another in its stream. An unsolvable board gives zeros.
    """
    words = np.zeros((len(boards), runs), np.int64)
    _lengths(
        boards.widths, boards.grids, boards.offsets, boards.starts, boards.goals,
        TIES.index(ties), states, _work(boards), words,
    )  # fmt: skip
    return words


def _work(boards: Boards) -> Work:
    size = int(np.diff(boards.offsets).max(initial=16))

    def cells() -> Cells:
        return np.zeros(size, np.int32)

    logs = np.array([0.0, *(log2(count) for count in range(1, size))])
    children = np.zeros(4, np.int32)
    return Work(cells(), cells(), cells(), cells(), cells(), cells(), cells(), children, logs)


@compiled
def _measure(work: Work, stride: int, size: int) -> None:
    """Coordinates of every place: divisions are what the inner loop can least afford."""
    for place in range(size):
        work.x[place] = place % stride - 1
        work.y[place] = place // stride - 1


@compiled
def _pick(ties: int, state: State, frontier: Cells, count: int, cost: Cells) -> int:
    """The index of the cell to close among `count` open cells of minimal f."""
    if ties == _RANDOM:
        return below(state, count) if count > 1 else 0
    best = 0
    for at in range(1, count):
        here, there = frontier[at], frontier[best]
        # Equal f, so the larger g is the smaller h; places in ascending order are ordered by (y, x).
        deeper = cost[here] - cost[there] if ties == _DEEPEST else 0
        if deeper > 0 or (deeper == 0 and here < there):
            best = at
    return best


@compiled
def _admit(grid: Grids, stride: int, here: int, ties: int, state: State, cost: Cells, children: Cells) -> int:
    """Collect the neighbours to create, in their order; gives how many there are."""
    count, reached = 0, cost[here] + 1
    for near in (here + stride, here - stride, here - 1, here + 1):
        if not grid[near] and cost[near] > reached:
            children[count] = near
            count += 1
    if ties == _RANDOM:
        for at in range(count - 1, 0, -1):
            other = below(state, at + 1)
            children[at], children[other] = children[other], children[at]
    return count


@compiled
def _clause(out: Codes, at: int, head: int, x: int, y: int, g: int, h: int) -> int:
    out[at], out[at + 1], out[at + 2], out[at + 3], out[at + 4] = head, x, y, g, h
    return at + 5


@compiled
def _search(
    grid: Grids,
    stride: int,
    start: int,
    goal: int,
    ties: int,
    state: State,
    paper: Paper,
    work: Work,
    out: Codes,
    at: int,
) -> tuple[int, float]:
    """One run of A*; gives the end of its trace in `out`, and its bits. `work` keeps costs and parents."""
    xs, ys, cost, place = work.x, work.y, work.cost, work.place
    cost[: len(grid)] = _UNREACHED
    goal_x, goal_y, c0 = xs[goal], ys[goal], paper.costs
    create, close = paper.heads + 3, paper.heads + 4
    # A child of a cell of f has f or f + 2, so two frontiers hold all open cells, and a cell that is
    # reached again with a smaller g always moves from the far one to the near one.
    near, far = work.near, work.far
    cost[start], work.parent[start], place[start], near[0] = 0, start, 0, start
    near_count, far_count, bits = 1, 0, 0.0
    at = _clause(
        out, at, create, xs[start], ys[start], c0, c0 + abs(xs[start] - goal_x) + abs(ys[start] - goal_y)
    )
    while near_count:
        bits += work.logs[near_count]
        index = _pick(ties, state, near, near_count, cost)
        here = near[index]
        near_count -= 1
        near[index] = near[near_count]
        place[near[index]] = index
        g, h = cost[here], abs(xs[here] - goal_x) + abs(ys[here] - goal_y)
        at = _clause(out, at, close, xs[here], ys[here], c0 + g, c0 + h)
        if here == goal:
            break
        count = _admit(grid, stride, here, ties, state, cost, work.children)
        bits += _ORDERS[count]
        for child in work.children[:count]:
            child_h = abs(xs[child] - goal_x) + abs(ys[child] - goal_y)
            at = _clause(out, at, create, xs[child], ys[child], c0 + g + 1, c0 + child_h)
            if child_h < h:
                if cost[child] != _UNREACHED:
                    far_count -= 1
                    far[place[child]] = far[far_count]
                    place[far[place[child]]] = place[child]
                near[near_count], place[child] = child, near_count
                near_count += 1
            else:
                far[far_count], place[child] = child, far_count
                far_count += 1
            cost[child], work.parent[child] = g + 1, here
        if near_count == 0:
            near, far, near_count, far_count = far, near, far_count, 0
    return at, bits


@compiled
def _trail(work: Work, goal: int, head: int, out: Codes, at: int) -> int:
    """Write the chain of parents from start to goal as a plan; gives its end."""
    end = at + 3 * (whole(work.cost[goal]) + 1)
    here, back = whole(goal), end - 3
    while back >= at:
        out[back], out[back + 1], out[back + 2] = head, work.x[here], work.y[here]
        here, back = whole(work.parent[here]), back - 3
    return end


@compiled
def _grown(codes: Codes, used: int, needed: int) -> Codes:
    if used + needed <= len(codes):
        return codes
    larger = np.empty(2 * len(codes) + needed, np.uint16)
    larger[:used] = codes[:used]
    return larger


@compiled
def _solve(
    widths: Cells,
    grids: Grids,
    offsets: Offsets,
    starts: Cells,
    goals: Cells,
    ties: int,
    states: State,
    paper: Paper,
    work: Work,
    traces: Offsets,
    plans: Offsets,
    bits: Bits,
) -> tuple[Codes, Codes, int]:
    trace, plan = np.empty(1 << 16, np.uint16), np.empty(1 << 12, np.uint16)
    known = (0, 0)
    for row in range(len(widths)):
        grid = grids[offsets[row] : offsets[row + 1]]
        size, stride = len(grid), whole(widths[row]) + 2
        if known[0] != stride or known[1] != size:
            _measure(work, stride, size)
            known = (stride, size)
        # A cell is closed once and creates at most four cells: 25 words a cell are enough.
        trace = _grown(trace, traces[row], 25 * size)
        plan = _grown(plan, plans[row], 3 * size)
        start, goal = whole(starts[row]), whole(goals[row])
        traces[row + 1], bits[row] = _search(
            grid, stride, start, goal, ties, states[row], paper, work, trace, traces[row]
        )
        moves = whole(work.cost[goal])
        if (
            moves == _UNREACHED
            or max(moves, min(moves + 1, stride + size // stride - 6)) > paper.largest_cost
        ):
            return trace, plan, row
        plans[row + 1] = _trail(work, goal, paper.heads + 5, plan, plans[row])
    return trace[: traces[-1]].copy(), plan[: plans[-1]].copy(), -1


@compiled
def _lengths(
    widths: Cells,
    grids: Grids,
    offsets: Offsets,
    starts: Cells,
    goals: Cells,
    ties: int,
    states: State,
    work: Work,
    words: NDArray[np.int64],
) -> None:
    scratch, paper = np.empty(25 * len(work.x), np.uint16), Paper(0, 0, 0)
    for row in range(len(widths)):
        grid, stride = grids[offsets[row] : offsets[row + 1]], whole(widths[row]) + 2
        _measure(work, stride, len(grid))
        start, goal = whole(starts[row]), whole(goals[row])
        for run in range(words.shape[1]):
            end, _ = _search(grid, stride, start, goal, ties, states[row], paper, work, scratch, 0)
            words[row, run] = end if work.cost[goal] != _UNREACHED else 0
