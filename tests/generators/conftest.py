"""Plain-Python readings of the documented rules, which the compiled code is held against."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest

Cell = tuple[int, int]
MOVES = ((0, 1), (0, -1), (-1, 0), (1, 0))


@dataclass(frozen=True)
class Grid:
    width: int
    height: int
    start: Cell
    goal: Cell
    walls: frozenset[Cell]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Grid:
        cells = [(int(x), int(y)) for x, y in zip(row["prompt"][1::3], row["prompt"][2::3], strict=True)]
        return cls(row["width"], row["height"], cells[0], cells[1], frozenset(cells[2:]))

    def near(self, cell: Cell) -> list[Cell]:
        around = [(cell[0] + dx, cell[1] + dy) for dx, dy in MOVES]
        return [
            (x, y)
            for x, y in around
            if 0 <= x < self.width and 0 <= y < self.height and (x, y) not in self.walls
        ]

    def h(self, cell: Cell) -> int:
        return abs(cell[0] - self.goal[0]) + abs(cell[1] - self.goal[1])

    def distance(self) -> int | None:
        ring, seen = {self.start}, {self.start}
        for moves in itertools.count():
            if self.goal in ring:
                return moves
            ring = {near for cell in ring for near in self.near(cell)} - seen
            if not ring:
                return None
            seen |= ring
        return None

    def clause(self, head: str, cell: Cell, g: int) -> list[str]:
        return [head, str(cell[0]), str(cell[1]), f"c{g}", f"c{self.h(cell)}"]


def plan_words(parents: Mapping[Cell, Cell | None], goal: Cell) -> list[str]:
    chain: list[Cell] = []
    here: Cell | None = goal
    while here is not None:
        chain.append(here)
        here = parents[here]
    return [word for x, y in reversed(chain) for word in ("plan", str(x), str(y))]


def astar(grid: Grid, ties: str) -> tuple[list[str], list[str]]:
    """Deterministic A*, with a heap."""

    def key(cell: Cell, g: int) -> tuple[int, ...]:
        f, h, (x, y) = g + grid.h(cell), grid.h(cell), cell
        return (f, y, x) if ties == "searchformer" else (f, h, y, x)

    best: dict[Cell, int] = {grid.start: 0}
    parents: dict[Cell, Cell | None] = {grid.start: None}
    heap = [(key(grid.start, 0), grid.start, 0)]
    trace = grid.clause("create", grid.start, 0)
    while heap:
        _, here, g = heapq.heappop(heap)
        if best[here] < g:
            continue
        trace += grid.clause("close", here, g)
        if here == grid.goal:
            return trace, plan_words(parents, grid.goal)
        for near in grid.near(here):
            if near not in best or g + 1 < best[near]:
                best[near], parents[near] = g + 1, here
                heapq.heappush(heap, (key(near, g + 1), near, g + 1))
                trace += grid.clause("create", near, g + 1)
    raise AssertionError("unsolvable")


def every_trace(grid: Grid) -> Iterator[tuple[tuple[str, ...], Fraction]]:
    """All traces of A* with random ties, each with its probability."""

    def grow(
        trace: list[str], opened: dict[Cell, int], best: dict[Cell, int], chance: Fraction
    ) -> Iterator[tuple[tuple[str, ...], Fraction]]:
        least = min(g + grid.h(cell) for cell, g in opened.items())
        tied = [cell for cell, g in opened.items() if g + grid.h(cell) == least]
        for here in tied:
            g = opened[here]
            closed = trace + grid.clause("close", here, g)
            share = chance / len(tied)
            if here == grid.goal:
                yield tuple(closed), share
                continue
            children = [near for near in grid.near(here) if g + 1 < best.get(near, g + 2)]
            orders = list(itertools.permutations(children))
            rest = {cell: cost for cell, cost in opened.items() if cell != here}
            reached = dict.fromkeys(children, g + 1)
            for order in orders:
                created = [word for cell in order for word in grid.clause("create", cell, g + 1)]
                yield from grow(closed + created, rest | reached, best | reached, share / len(orders))

    begin = grid.clause("create", grid.start, 0)
    yield from grow(begin, {grid.start: 0}, {grid.start: 0}, Fraction(1))


def is_astar(grid: Grid, trace: list[str], plan: list[str]) -> bool:
    """Whether A* with some way of breaking ties writes this trace and this plan."""
    at = 0

    def take(clauses: set[tuple[str, ...]]) -> tuple[str, ...] | None:
        nonlocal at
        found = tuple(trace[at : at + 5])
        at += 5
        return found if found in clauses else None

    if take({tuple(grid.clause("create", grid.start, 0))}) is None:
        return False
    opened, best = {grid.start: 0}, {grid.start: 0}
    parents: dict[Cell, Cell | None] = {grid.start: None}
    while opened:
        least = min(g + grid.h(cell) for cell, g in opened.items())
        tied = {tuple(grid.clause("close", c, g)): c for c, g in opened.items() if g + grid.h(c) == least}
        found = take(set(tied))
        if found is None:
            return False
        here = tied[found]
        g = opened.pop(here)
        if here == grid.goal:
            return at == len(trace) and plan == plan_words(parents, grid.goal)
        children = {
            tuple(grid.clause("create", near, g + 1)): near
            for near in grid.near(here)
            if g + 1 < best.get(near, g + 2)
        }
        while children:
            created = take(set(children))
            if created is None:
                return False
            near = children.pop(created)
            opened[near] = best[near] = g + 1
            parents[near] = here
    return False


@dataclass(frozen=True)
class Reference:
    """The functions above, as tests under `--import-mode=importlib` cannot import them."""

    grid: Callable[[Mapping[str, Any]], Grid]
    astar: Callable[[Grid, str], tuple[list[str], list[str]]]
    every_trace: Callable[[Grid], Iterator[tuple[tuple[str, ...], Fraction]]]
    is_astar: Callable[[Grid, list[str], list[str]], bool]


@pytest.fixture(scope="session")
def reference() -> Reference:
    return Reference(Grid.of, astar, every_trace, is_astar)
