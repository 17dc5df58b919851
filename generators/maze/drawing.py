"""Pictures of a maze with its search and plan: characters for a terminal, SVG for a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generators.domain import BadProblem

Cell = tuple[int, int]

LEGEND = "S start  G goal  # wall  * plan  o closed  + open"

_CELL = 16
"""Pixels of a cell in SVG."""


@dataclass
class Picture:
    """What is to be drawn, in the order in which it was named; cells outside the maze are left out."""

    width: int
    height: int
    start: Cell
    goal: Cell
    walls: set[Cell]
    created: list[Cell] = field(default_factory=list)
    closed: list[Cell] = field(default_factory=list)
    plan: list[Cell] = field(default_factory=list)


def picture(row: Mapping[str, Any], width: int, height: int) -> Picture:
    """The picture of a row with `prompt`, and perhaps `trace`, `answer`, `width` and `height`.

    Of a response, whatever is grammatical is drawn. Raises BadProblem for a prompt that states no maze.
    """
    prompt = list(row["prompt"])
    named = {head: list(_cells(prompt, head)) for head in ("start", "goal", "wall")}
    if not named["start"] or not named["goal"]:
        raise BadProblem("the prompt names no start or no goal")
    drawn = Picture(
        width=int(row.get("width") or width),
        height=int(row.get("height") or height),
        start=named["start"][0],
        goal=named["goal"][0],
        walls=set(named["wall"]),
    )
    trace = row.get("trace")
    answer = row.get("answer")
    words = [] if trace is None else list(trace)
    drawn.created = _inside(drawn, _cells(words, "create"))
    drawn.closed = _inside(drawn, _cells(words, "close"))
    drawn.plan = _inside(drawn, _cells([] if answer is None else list(answer), "plan"))
    return drawn


def text(drawn: Picture, now: Cell | None = None) -> str:
    """The maze in the characters that `read` takes, wide enough to look square where 80 columns allow it.

    `now` is the cell of the current step.
    """
    marks: dict[Cell, str] = dict.fromkeys(drawn.created, "+")
    for cells, mark in ((drawn.closed, "o"), (drawn.plan, "*"), (drawn.walls, "#")):
        marks.update(dict.fromkeys(cells, mark))
    # A plan that runs into a wall must be seen to do so.
    marks.update(dict.fromkeys(set(drawn.plan) & drawn.walls, "X"))
    marks[drawn.goal], marks[drawn.start] = "G", "S"
    if now is not None:
        marks[now] = "@"
    gap = " " if 2 * drawn.width - 1 <= 80 else ""
    lines = [gap.join(marks.get((x, y), ".") for x in range(drawn.width)) for y in range(drawn.height)]
    legend = LEGEND + ("  X plan in a wall" if "X" in marks.values() else "") + ("  @ now" if now else "")
    return "\n".join([*lines, legend])


def svg(drawn: Picture) -> str:
    """A self-contained picture: closed cells shaded by the order of closing, the plan as a line."""
    wide, high = drawn.width * _CELL, drawn.height * _CELL
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        f'role="img" aria-label="maze of {drawn.width} by {drawn.height} cells">',
        f'<rect width="{wide}" height="{high}" fill="#ffffff"/>',
    ]
    parts += [_square(cell, "#e8f1fa") for cell in dict.fromkeys(drawn.created)]
    closed = list(dict.fromkeys(drawn.closed))
    parts += [_square(cell, _shade(at, len(closed)), f"closed {at + 1}.") for at, cell in enumerate(closed)]
    parts += [_square(cell, "#37474f") for cell in sorted(drawn.walls)]
    parts += [_grid(drawn)]
    if len(drawn.plan) > 1:
        parts.append(_line(drawn.plan))
    parts += [
        _disc(drawn.start, "#2e7d32", "start", "S"),
        _disc(drawn.goal, "#c62828", "goal", "G"),
        "</svg>",
    ]
    return "\n".join(parts)


def _cells(words: Sequence[str], head: str) -> Iterable[Cell]:
    for at in range(len(words) - 2):
        x, y = words[at + 1], words[at + 2]
        if words[at] == head and x is not None and y is not None and x.isdecimal() and y.isdecimal():
            yield int(x), int(y)


def _inside(drawn: Picture, cells: Iterable[Cell]) -> list[Cell]:
    return [(x, y) for x, y in cells if x < drawn.width and y < drawn.height]


def _square(cell: Cell, colour: str, title: str = "") -> str:
    x, y = cell[0] * _CELL, cell[1] * _CELL
    head = f'<rect x="{x}" y="{y}" width="{_CELL}" height="{_CELL}" fill="{colour}"'
    return f"{head}><title>{title}</title></rect>" if title else f"{head}/>"


def _shade(at: int, count: int) -> str:
    """From light to dark blue, as late as the cell was closed."""
    share = at / max(count - 1, 1)
    light, dark = (187, 214, 240), (66, 133, 196)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(light, dark, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _grid(drawn: Picture) -> str:
    wide, high = drawn.width * _CELL, drawn.height * _CELL
    across = "".join(f"M0 {y * _CELL}H{wide}" for y in range(drawn.height + 1))
    down = "".join(f"M{x * _CELL} 0V{high}" for x in range(drawn.width + 1))
    return f'<path d="{across}{down}" stroke="#cfd8dc" stroke-width="0.5" fill="none"/>'


def _line(plan: list[Cell]) -> str:
    points = " ".join(f"{x * _CELL + _CELL // 2},{y * _CELL + _CELL // 2}" for x, y in plan)
    return (
        f'<polyline points="{points}" fill="none" stroke="#ef6c00" stroke-width="3" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
    )


def _disc(cell: Cell, colour: str, title: str, letter: str) -> str:
    x, y = cell[0] * _CELL + _CELL // 2, cell[1] * _CELL + _CELL // 2
    return (
        f'<circle cx="{x}" cy="{y}" r="{_CELL * 0.4:g}" fill="{colour}"><title>{title}</title></circle>'
        f'<text x="{x}" y="{y}" font-family="sans-serif" font-size="9" fill="#ffffff" text-anchor="middle" '
        f'dominant-baseline="central">{letter}</text>'
    )
