"""What is tried, and the table of how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Scale = Literal["small", "full"]
"""`small` takes seconds and runs with every test; `full` is what `make faults` does."""


@dataclass(frozen=True)
class Trial:
    """One fault that was made to happen."""

    what: str
    """The command, the moment and the victim, so that it can be told from the others."""
    lost: str | None = None
    """None where nothing was lost; otherwise a sentence: which file differs, which command hung."""


@dataclass(frozen=True)
class Fault:
    """A kind of fault: a row of the table."""

    name: str
    """In a few words, as in `kill -9, mazes`."""
    trials: Callable[[int, Scale, Path], Iterator[Trial]]
    """From a seed, a scale and an empty folder for its files: the same trials for the same seed."""


def table(results: Iterable[tuple[str, list[Trial], float]]) -> str:
    """A Markdown table with a line for each kind of fault: tried, survived, lost, seconds."""
    rows = [("fault", "tried", "survived", "lost", "seconds")]
    for name, trials, seconds in results:
        lost = sum(trial.lost is not None for trial in trials)
        rows.append((name, *map(str, (len(trials), len(trials) - lost, lost, round(seconds)))))
    sums = [sum(int(row[at]) for row in rows[1:]) for at in range(1, 5)]
    rows.append(("all", *map(str, sums)))
    widths = [max(len(row[at]) for row in rows) for at in range(5)]
    lines = [
        "| " + " | ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) + " |"
        for row in rows
    ]
    ruled = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return "\n".join([lines[0], ruled, *lines[1:]])
