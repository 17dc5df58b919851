"""Mazes played step by step: plain data for `view.js`, and text for a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from generators import playback
from generators.maze import drawing, packing
from generators.maze.alphabet import Words

_COLUMNS = 80

_CLAUSE = re.compile(r"(create|close) (\d{1,9}) (\d{1,9}) c(\d{1,9}) c(\d{1,9})", re.ASCII)

_LONGEST = 4
"""Lines that a terminal shows of one step: what a model writes can be long."""


def difficulties(problems: pl.DataFrame, width: int, height: int) -> pl.DataFrame:
    """Cells, share of walls, plan length, and how much longer the plan is than the Manhattan distance."""
    has = set(problems.columns)
    wide, high = (
        pl.col(name).cast(pl.Int64) if name in has else pl.repeat(own, pl.len(), dtype=pl.Int64)
        for name, own in (("width", width), ("height", height))
    )
    found = {"cells": wide * high}
    if "walls" in has:
        found["share of walls"] = pl.col("walls") / (wide * high)
    if "cost" in has:
        found["plan length"] = pl.col("cost").cast(pl.Int64)
    if {"cost", "start_x", "start_y", "goal_x", "goal_y"} <= has:
        across, down = ((pl.col(f"start_{at}").cast(pl.Int64) - pl.col(f"goal_{at}")).abs() for at in "xy")
        found["detour"] = pl.col("cost").cast(pl.Int64) - across - down
    return problems.select(**found)


def cuts(row: Mapping[str, Any], words: Words) -> list[int]:
    """Where the steps of a trace begin: at its first word, and at each `create` and `close`."""
    places: list[int] = packing.trace(row.get("trace"), words).begins.tolist()
    return places


def scene(row: Mapping[str, Any], width: int, height: int) -> dict[str, Any]:
    """`size`; `start` and `goal` as cells (y * width + x); `walls`, each as its distance to the last."""
    drawn = _problem(row, width, height)
    inside = sorted(y * drawn.width + x for x, y in drawn.walls if x < drawn.width and y < drawn.height)
    return {
        "size": [drawn.width, drawn.height],
        "start": drawn.start[1] * drawn.width + drawn.start[0],
        "goal": drawn.goal[1] * drawn.width + drawn.goal[0],
        "walls": np.diff(inside, prepend=0).tolist() if inside else [],
    }


def play(row: Mapping[str, Any], words: Words, width: int, height: int) -> dict[str, Any]:
    """`count`, and `codes` of the trace (see `packing`) with `full` and `words`, the clauses they leave out.

    `full` has four numbers a clause: 1 for a create, cell, g, h. `plan` has its first cell and a direction a
    move; the words of an answer that is no such walk stand in `answer`.
    """
    width, height = int(row.get("width") or width), int(row.get("height") or height)
    read = packing.trace(row.get("trace"), words)
    named = packing.clauses(read, words, width, height)
    known = packing.packed(named, _goal(row))
    codes = np.full(len(read.begins), packing.TEXT)
    codes[named.at] = known
    full = known == packing.FULL
    columns = (named.creates, named.y * width + named.x, named.g, named.h)
    found: dict[str, Any] = {
        "codes": codes.tolist(),
        "full": np.stack([column[full] for column in columns], axis=1).ravel().tolist(),
        "words": [read.text(step) for step in np.flatnonzero(codes == packing.TEXT).tolist()],
        "plan": packing.walk(row.get("answer"), words, width, height),
    }
    if found["plan"] is None:
        found["answer"] = " ".join(playback.words(row.get("answer")))
    return {
        "count": playback.count(row, found["codes"]),
        **{key: each for key, each in found.items() if each},
    }


def frame(row: Mapping[str, Any], step: int, words: Words, width: int, height: int) -> str:
    """The maze after `step` steps: signs for cells, counts, and the last step in words."""
    read = packing.trace(row.get("trace"), words)
    count = playback.count(row, read.begins.tolist())
    step = min(max(step, 0), count)
    planned = step > len(read.begins)
    drawn = _problem(row, width, height, answer=row.get("answer") if planned else None)
    seen, last = _seen(packing.clauses(read, words, drawn.width, drawn.height), step)
    drawn.created = [cell for cell, (opened, _) in seen.items() if opened]
    drawn.closed = [cell for cell, (opened, _) in seen.items() if not opened]
    now = None if planned else last
    counts = f"open {len(drawn.created)}, closed {len(drawn.closed)}"
    if step == 0:
        told = f"{count} steps to come" if count else "no steps"
    elif planned:
        told = _plan_told(playback.words(row.get("answer")))
    else:
        told = _told(read.text(step - 1), drawn, now is not None)
    lines = _lines(f"step {step} of {count}  {told}" if step else told)
    return "\n".join([drawing.text(drawn, now), counts, *lines])


def _problem(row: Mapping[str, Any], width: int, height: int, answer: Any = None) -> drawing.Picture:
    return drawing.picture({**row, "trace": None, "answer": answer}, width, height)


def _goal(row: Mapping[str, Any]) -> packing.Cell:
    return int(row["prompt"][4]), int(row["prompt"][5])


def _seen(
    steps: packing.Clauses, until: int
) -> tuple[dict[drawing.Cell, tuple[bool, int]], drawing.Cell | None]:
    """The cells named in the first steps: whether open, and g; and the cell of the last of them."""
    seen: dict[drawing.Cell, tuple[bool, int]] = {}
    last = None
    for at, creates, x, y, g, _ in zip(*(column.tolist() for column in steps), strict=True):
        if at >= until:
            break
        # As in the replay, a create that does not gain changes nothing.
        if not creates or (x, y) not in seen or g < seen[x, y][1]:
            seen[x, y] = creates, g
        last = (x, y) if at == until - 1 else None
    return seen, last


def _told(text: str, drawn: drawing.Picture, named: bool) -> str:
    """A step in words; `named` if it is a clause that names a cell of the maze."""
    clause = _CLAUSE.fullmatch(text)
    if clause is None:
        return f"no clause: {text}"
    head, (x, y, g, h) = clause[1], map(int, clause.groups()[1:])
    outside = x >= drawn.width or y >= drawn.height
    if not (named or outside):  # a number that the vocabulary does not have
        return f"no clause: {text}"
    return f"{head} {x} {y}  g {g} h {h} f {g + h}{'  outside the maze' if outside else ''}"


def _plan_told(answer: list[str]) -> str:
    if len(answer) % 3 == 0 and set(answer[::3]) == {"plan"}:
        moves = len(answer) // 3 - 1
        return f"the plan: {moves} {'step' if moves == 1 else 'steps'}"
    return f"the plan, malformed: {' '.join(answer)}"


def _lines(told: str) -> list[str]:
    """Within the columns of a terminal, and without what could move its cursor."""
    clean = "".join(sign if sign.isprintable() else "?" for sign in told)
    if len(clean) <= _COLUMNS:
        return [clean]
    return textwrap.wrap(clean, _COLUMNS, subsequent_indent="  ", max_lines=_LONGEST, placeholder=" ...")
