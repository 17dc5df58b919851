"""A row played in a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from textwrap import wrap
from typing import Any

from generators.chess.alphabet import ACTIONS
from generators.chess.drawing import cells, playing, text
from generators.chess.drawing.scene import MOST_MOVES, Entry, Option, Scene, option, scene

ABOVE = 4
"""Moves that are shown above the current one."""


def frame(row: Mapping[str, Any], step: int) -> str:
    """State `step`: the log so far, or the moves around the current one, marked; the answer comes last."""
    count = playing.count(row)
    step = min(max(step, 0), count)
    answered = step == count
    drawn = replace(scene(row), asked=answered)
    at = step - 1 if step and not (answered and drawn.answer) else None
    if playing.has_log(row):
        drawn, told = _of_log(drawn, step, at)
    else:
        drawn, told = _of_moves(row, drawn, at)
    if step and at is None:
        told = _of_answer(row)
    return "\n".join([text.text(drawn), *(["", *wrap(f"{text.MARK}{told}", text.COLUMNS)] if told else [])])


def _of_log(drawn: Scene, step: int, at: int | None) -> tuple[Scene, str]:
    """With `step` entries of the log; the words behind the last one come after it."""
    entries = [replace(entry, now=place == at) for place, entry in enumerate(drawn.entries[:step])]
    rest = drawn.rest if step > len(drawn.entries) else ""
    if at is None:
        told = ""
    elif at < len(entries):
        told = _entry(entries[at])
    else:
        told = f"no entry of a log: {rest}"
    return replace(drawn, entries=entries, rest=rest), told


def _entry(entry: Entry) -> str:
    name = f"{entry.move.san} ({entry.move.uci})" if entry.move.san else f"{entry.move.uci}, an illegal move"
    return f"depth {entry.depth}: {entry.score}, {entry.win:.1%}, best {name}"


def _of_moves(row: Mapping[str, Any], drawn: Scene, at: int | None) -> tuple[Scene, str]:
    """With the moves around the current one; where there is none, around the answer."""
    labelled, rated = cells.labels_of(row), cells.ratings_of(row)
    order = cells.order_of(row, drawn.board)
    said = [place for place, each in enumerate(order) if drawn.asked and ACTIONS[each] == drawn.answer]
    here = said[0] if at is None and said else at
    first = max(min((here or 0) - ABOVE, len(order) - MOST_MOVES), 0)
    shown = [
        replace(
            option(drawn.board, ACTIONS[order[place]], labelled),
            student=rated.get(order[place]),
            now=place == here,
        )
        for place in range(first, min(first + MOST_MOVES, len(order)))
    ]
    return replace(drawn, options=shown), "" if at is None else _move(shown[at - first])


def _move(each: Option) -> str:
    told = [] if each.win is None else [f"teacher {each.win:.1%} ({each.score})"]
    told += [] if each.student is None else [f"student {each.student:.1%}"]
    return f"{each.san} ({each.uci}): {', '.join(told) or 'no labels'}"


def _of_answer(row: Mapping[str, Any]) -> str:
    said = playing.play(row)["answer"]
    return f"answer: {said['told']}" if said else "no answer"
