"""Parquet files: schema, counts, lengths and rows, of ours and of others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
from rich.markup import escape

from pipeline.console import OUT
from pipeline.errors import Damaged, Refusal
from pipeline.inspect import figures, rows
from pipeline.inspect.columns import columns
from pipeline.inspect.condition import Condition, condition
from pipeline.inspect.files import Files
from pipeline.inspect.picking import picked
from pipeline.inspect.survey import Counted, Survey, survey
from pipeline.inspect.texts import plain
from pipeline.page.numbers import size


def show(files: Files, many: int, where: str | None = None) -> None:
    """Print what the files of one data set hold, or those of their rows for which a condition holds."""
    with readable(files.name):
        found = survey(files)
        wanted = None if where is None else condition(where, files.paths[0])
        _title(found)
        OUT.print(columns(found))
        beside = files.paths[0].absolute().parent
        if wanted is not None:
            _matching(found, wanted, many, beside)
        elif found.rows:
            names = figures.counted(found.kind)
            figures.show(found.count([*names, *_lengths(found)]), names)
            first = pl.scan_parquet(_first(found, many), glob=False).head(many)
            rows.show(first.collect().to_dicts() if many else [], beside)
        else:
            OUT.print("no rows")


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Faults of the libraries that read Parquet, as one sentence."""
    try:
        yield
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
        raise Damaged(f"{plain(name)} cannot be read: {plain(_first_line(error))}") from None


def _title(found: Survey) -> None:
    files = found.files
    many = len(found.groups) if found.whole else len(files.paths)
    groups = f"{many:,} {'row group' if found.whole else 'file'}{'' if many == 1 else 's'}"
    OUT.print(
        f"\n[bold]{escape(plain(files.name))}[/bold]  {found.rows:,} rows, {size(files.bytes)}, {groups}",
        soft_wrap=True,
    )


def _matching(found: Survey, wanted: Condition, many: int, beside: Path) -> None:
    """Counts, lengths and rows of what matches."""
    names, paths = figures.counted(found.kind), list(found.files.paths)
    told = pl.col(min(wanted.columns)).is_null().alias("match")  # where nothing is counted, it counts rows
    try:
        matching = wanted.among(pl.scan_parquet(paths, glob=False)).select(*names, *_lengths(found), told)
        frame = matching.collect(engine="streaming")
        first = picked(paths, wanted.among, many if len(frame) else 0)
    except pl.exceptions.PolarsError as error:
        raise wanted.refused(error) from None
    if not len(frame):
        raise Refusal(f"no row matches {wanted.text!r} of the {found.rows:,} rows of {found.files.name}")
    share = f"{len(frame):,} of {found.rows:,} rows ({len(frame) / found.rows:.1%}) match"
    OUT.print(f"[bold]{share}[/bold]  {escape(plain(wanted.text))}", soft_wrap=True)
    figures.show(Counted({}, frame, ""), names)
    rows.show(first, beside)


def _lengths(found: Survey) -> list[str]:
    return [figures.LENGTH] if figures.LENGTH in found.kind.names else []


def _first(found: Survey, many: int) -> list[Path]:
    """The files that the first rows stand in: a scan of all of them would open each."""
    chosen: list[Path] = []
    have = 0
    for path in found.files.paths:
        head = found.heads.get(path)
        have += head.num_rows if head is not None else found.files.rows[path]
        chosen.append(path)
        if have >= many:
            break
    return chosen


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split("\n\n")[0].split())
