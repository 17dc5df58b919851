"""What a person sees while the stages run: lines, bars and tables on the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

OUT = Console(highlight=False)
"""Results."""
LOG = Console(stderr=True, highlight=False)
"""Progress and remarks."""


@dataclass
class Work:
    """A stretch of work under way, as others may be told of it."""

    title: str
    total: int | None
    done: int
    before: int
    """What was done already when it began."""
    began: float


_WORKS: list[tuple[Work, Callable[[], int | None]]] = []
"""What this process is at, the outermost first, and how to find out how far it has come."""


LEFT = "works"
"""The attribute of a fault that says what it has ended."""


def works() -> list[dict[str, Any]]:
    """What this process is at, the outermost first, as plain data."""
    return [{**asdict(work), "done": work.done if (now := look()) is None else now} for work, look in _WORKS]


@contextmanager
def following(title: str, total: int | None, look: Callable[[], int | None], done: int = 0) -> Iterator[Work]:
    """A stretch of work that shows itself; `look` tells how far it has come, None where it cannot."""
    work = Work(title, total, done, done, time.time())
    _WORKS.append((work, look))
    try:
        yield work
    except BaseException as fault:
        vars(fault).setdefault(LEFT, works())  # the innermost work is the first to see it
        raise
    finally:
        _WORKS.remove((work, look))


@contextmanager
def bar(title: str, total: int | None, done: int = 0) -> Iterator[Any]:
    """A progress bar; gives a function that advances it. Silent where there is no terminal.

    `done` of the total was finished before.
    """
    from rich.progress import (  # tables need none of it
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with (
        Progress(*columns, console=LOG, transient=True, disable=not LOG.is_terminal) as progress,
        following(title, total, lambda: None, done) as work,
    ):
        task = progress.add_task(title, total=total, completed=done)

        def advance(step: int = 1) -> None:
            work.done += step
            progress.advance(task, step)

        yield advance


def say(stage: str, text: str) -> None:
    """One line about a stage."""
    LOG.print(f"[bold]{stage:<10}[/bold] {text}", soft_wrap=True, markup=True)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], left: int = 1) -> Table:
    """A table whose first `left` columns are words and whose others are numbers."""
    made = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for at, column in enumerate(columns):
        made.add_column(column, justify="left" if at < left else "right", overflow="fold")
    for row in rows:
        made.add_row(*["–" if cell is None else str(cell) for cell in row])
    return made
