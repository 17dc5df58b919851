"""`distill results`: one row a run, the mean over seeds, and files that keep both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.markup import escape

from pipeline.console import LOG, OUT, say
from pipeline.errors import Refusal, brief
from pipeline.inspect.texts import plain
from pipeline.results import frame
from pipeline.results.fitting import WIDEST, Column, figure, fitted, short_names
from pipeline.results.found import found
from pipeline.results.rows import Measure, Row, differing, rows
from pipeline.results.seeds import Group, groups

NAMED = 24
"""Columns left out of a table that are named below it."""


def results(
    patterns: Sequence[str],
    to: Path | None = None,
    over_seeds: Path | None = None,
    checkpoint: str | None = None,
) -> None:
    """Print the evaluations that patterns match; `to` gets the rows, `over_seeds` the means over seeds."""
    for path in (to, over_seeds):
        if path is not None:
            frame.writable(path)
    seen = found(patterns)
    listed = _once(row for each in seen.evaluations for row in rows(each, checkpoint))
    if not listed:
        known = dict.fromkeys(row.checkpoint for each in seen.evaluations for row in rows(each, "all"))
        raise Refusal(f"no evaluation has a checkpoint '{brief(checkpoint)}'; there are: {', '.join(known)}")
    together = groups(listed)
    show_rows(listed)
    if len(together) < len(listed):
        show_groups(together)
    for remark in seen.remarks():
        LOG.print(f"[yellow]{escape(plain(remark))}[/yellow]", soft_wrap=True)
    if to is not None:
        frame.write(frame.of_rows(listed), to)
        say("", f"[dim]{escape(str(to))}[/dim]")
    if over_seeds is not None:
        frame.write(frame.of_groups(together), over_seeds)
        say("", f"[dim]{escape(str(over_seeds))}[/dim]")


def _once(listed: Any) -> list[Row]:
    """Each run once: copies of an artifact have its fingerprint."""
    return list({(row.fingerprint, row.checkpoint): row for row in listed}.values())


def show_rows(listed: list[Row]) -> None:
    """The table of runs, with intervals over problems."""
    columns = [
        *_about(listed),
        _column("run", listed, lambda row: row.fingerprint[:8], always=True),
        _column("seed", listed, lambda row: row.seed),
        *_telling(_settings(listed), _measures([row.measures for row in listed])),
    ]
    count = "1 run" if len(listed) == 1 else f"{len(listed)} runs"
    _show(f"{count}, with 95 % intervals over problems", columns)


def show_groups(together: list[Group]) -> None:
    """The table of means over seeds, with intervals over seeds."""
    firsts = [group.first for group in together]
    columns = [
        *_about(firsts),
        Column("seeds", [str(len(group.rows)) for group in together], left=True, kept=True),
        *_telling(_settings(firsts), _measures([group.measures for group in together])),
    ]
    _show("means over seeds, with 95 % intervals over seeds (Student's t, n - 1)", columns)


def _show(title: str, columns: Sequence[Column | None]) -> None:
    made, left_out = fitted(title, [each for each in columns if each is not None], OUT.width)
    OUT.print(made)
    if left_out:
        more = f" and {len(left_out) - NAMED} more" if len(left_out) > NAMED else ""
        names = ", ".join(map(plain, left_out[:NAMED]))
        OUT.print(f"also, with --to FILE: {names}{more}", style="dim", markup=False)
    OUT.print()


def _about(listed: list[Row]) -> list[Column | None]:
    return [
        _column("recipe", listed, lambda row: row.recipe or row.settings.get("source", "")),
        _column("checkpoint", listed, lambda row: row.checkpoint),
    ]


def _telling(settings: list[Column], measured: list[Column]) -> list[Column]:
    """Settings before measures, as far as they leave room for them; the first measure is always there."""
    first = [replace(each, kept=True) for each in measured[:1]]
    room = OUT.width // 3
    early = [
        each
        for at, each in enumerate(settings)
        if sum(min(before.width, WIDEST) for before in settings[: at + 1]) <= room
    ]
    late = [each for each in settings if each not in early]
    return [*early, *first, *measured[1:], *late]


def _settings(listed: list[Row]) -> list[Column]:
    """The settings that differ; those that some rows do not have at all come last."""
    names = sorted(differing(listed), key=lambda name: not all(name in row.settings for row in listed))
    short = short_names(names)
    return [
        Column(short[name], [frame.text(row.settings.get(name)) for row in listed], left=True)
        for name in names
    ]


def _measures(found_: list[dict[str, Measure]]) -> list[Column]:
    """The columns of measures; what no row has is left out."""
    return [
        Column(name, [figure(each.get(name)) for each in found_])
        for name in frame.measures(found_)
        if any(name in each and each[name].value is not None for each in found_)
    ]


def _column(name: str, listed: list[Row], cell: Callable[[Row], Any], always: bool = False) -> Column | None:
    """A column of words, where its cells differ."""
    cells = [str(cell(row)) for row in listed]
    if len(set(cells)) < 2 and not always:
        return None
    return Column(name, cells, left=True, kept=always)
