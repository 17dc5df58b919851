"""Rows played step by step: what terminals and pages show of a domain that has no view of its own.

The steps of a row are those of its trace, as `Domain.check` counts them, and one more for its answer where
there is one: a departure *after* the last step of a trace stands at the answer. State n is the row after its
first n steps.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Player:
    """What plays a domain's rows on a page: a script and a style sheet."""

    script: str
    style: str


def player(kind: type) -> Player | None:
    """The `view.js` and `view.css` that stand beside the module of a domain; None without a script."""
    folder = Path(inspect.getfile(kind)).parent
    script, style = folder / "view.js", folder / "view.css"
    if not script.is_file():
        return None
    return Player(script.read_text("utf-8"), style.read_text("utf-8") if style.is_file() else "")


def words(column: Sequence[Any] | None) -> list[str]:
    """The words of a column's cell; `?` for what no alphabet has."""
    return ["?" if word is None else str(word) for word in (() if column is None else column)]


def count(row: Mapping[str, Any], cuts: Sequence[int]) -> int:
    """The steps of a row: of its trace, and one for its answer."""
    return len(cuts) + bool(words(row.get("answer")))


def steps(row: Mapping[str, Any], cuts: Sequence[int]) -> dict[str, Any]:
    """Steps as their words: what the page shows of a domain without a script of its own."""
    trace, answer = words(row.get("trace")), words(row.get("answer"))
    told = [" ".join(trace[begin:end]) for begin, end in pairwise([*cuts, len(trace)])]
    told += [" ".join(answer)] if answer else []
    return {"count": len(told), "words": told}


def state(row: Mapping[str, Any], cuts: Sequence[int], step: int) -> dict[str, Any]:
    """The row after its first `step` steps: a shorter trace, and no answer before its step."""
    trace = words(row.get("trace"))
    kept = trace[: cuts[step]] if step < len(cuts) else trace
    return {**row, "trace": kept, "answer": row.get("answer") if step > len(cuts) else None}
