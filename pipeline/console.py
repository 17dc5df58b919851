"""What a person sees while the stages run: lines, bars and tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

OUT = Console(highlight=False)
"""Results."""
LOG = Console(stderr=True, highlight=False)
"""Progress and remarks."""


@contextmanager
def bar(title: str, total: int | None) -> Iterator[Any]:
    """A progress bar; gives a function that advances it. Silent where there is no terminal."""
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
    with Progress(*columns, console=LOG, transient=True, disable=not LOG.is_terminal) as progress:
        task = progress.add_task(title, total=total)
        yield lambda step=1: progress.advance(task, step)


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
