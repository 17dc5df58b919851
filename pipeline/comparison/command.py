"""`distill compare A B`: what it prints and what it writes."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipeline import console
from pipeline.comparison.pair import SUCCESSES, Agreement, Line, Pair, Success
from pipeline.comparison.record import record
from pipeline.comparison.remarks import remarks
from pipeline.comparison.sentences import sentences
from pipeline.comparison.side import Rule, Side, load
from pipeline.errors import Refusal
from pipeline.files import write_json
from pipeline.given import related
from pipeline.inspect.texts import plain
from pipeline.intervals import Estimate
from pipeline.page.numbers import MISSING, Kind, interval, kind_of
from pipeline.page.numbers import value as figure

BRIEF, WHOLE = 12, 32
"""Digits of a problem's id in a narrow and in a wide terminal; `inspect --row` takes both."""
WIDE = 110
"""Columns of a terminal that has room for whole ids."""


def compare(
    first: Path,
    second: Path,
    checkpoints: tuple[str | None, str | None] = (None, None),
    rule: Rule = "greedy",
    success: Success = "optimal",
    listed: int = 10,
    to: Path | None = None,
) -> None:
    """Print two finished evaluations side by side; `to` gets all numbers as JSON.

    By default the checkpoints are those that the recipes are about. Raises Refusal where there is nothing
    to compare.
    """
    if listed < 0:
        raise Refusal(f"--list must be 0 or more, got {listed}")
    pair = Pair(load(first, "A", checkpoints[0], rule), load(second, "B", checkpoints[1], rule))
    names = [str(side.artifact.manifest["domain"]["name"]) for side in pair.sides]
    if names[0] != names[1] and not related(type(pair.first.domain), type(pair.second.domain)):
        raise Refusal(
            f"{first} is about {names[0]} and {second} about {names[1]}: they have no problem in common"
        )
    told, said = remarks(pair), sentences(pair, success)
    _head(pair)
    console.OUT.print(_metrics(pair))
    for sentence in said:
        console.OUT.print(escape(sentence))
    console.OUT.print()
    console.OUT.print(_agreements(pair))
    console.OUT.print(
        "McNemar's exact test takes problems as independent; the intervals do not.", style="dim"
    )
    for remark in told:
        console.OUT.print(f"\n[yellow]{escape(remark)}[/yellow]")
    if listed:
        _problems(pair, success, listed)
    if to is not None:
        write_json(to, record(pair, success, told, said), alone=True)
        console.say("", f"[dim]{escape(str(to))}[/dim]")


def _head(pair: Pair) -> None:
    for side in pair.sides:
        problems = side.answers["problem_id"].n_unique()
        name = escape(plain(f"{side.recipe}, {side.label}"))
        console.OUT.print(f"[bold]{side.letter}[/bold]  {name}: {problems:,} problems")
        console.OUT.print(f"   [dim]{escape(str(side.folder))}[/dim]", soft_wrap=True)
    rule = "greedy responses" if pair.samples == 1 else f"{pair.samples} samples of each"
    clusters = pair.shared["split_key"].n_unique()
    console.OUT.print(
        f"{len(pair.shared):,} problems shared, in {clusters:,} groups (layout, theory or game); {rule}."
    )
    console.OUT.print()


def _metrics(pair: Pair) -> Table:
    made = console.table("", ("metric", "A", "B", "B - A"), ())
    for line in pair.lines:
        kind = _kind(line)
        name = (
            line.metric
            if line.difference["n"] == len(pair.shared)
            else f"{line.metric}, on {line.difference['n']:,}"
        )
        made.add_row(
            name, _value(line.first, kind), _value(line.second, kind), _difference(line.difference, kind)
        )
    if pair.lengths is not None:
        first, second, between = pair.lengths
        made.add_row(
            f"trace words where both are optimal, on {between['n']:,}",
            _value(first, "words"),
            _value(second, "words"),
            f"B / A {_value(between, 'ratio')}",
        )
    made.caption = "with 95 % intervals, clustered by group"
    made.caption_justify = "left"
    return made


def _kind(line: Line) -> Kind:
    largest = max(abs(each["value"] or 0.0) for each in (line.first, line.second))
    return kind_of({"metric": line.metric, "own": line.own, "value": largest, "clusters": 1})


def _value(found: Estimate, kind: Kind) -> str:
    between = interval(found["low"], found["high"], kind)
    return _with(figure(found["value"], kind), between)


def _with(value: str, between: str) -> str:
    """A value and its interval: beside each other in a wide terminal, below each other in a narrow one."""
    if not between:
        return value
    return f"{value} ({between})" if console.OUT.width >= WIDE else f"{value}\n{between}"


def _difference(found: Estimate, kind: Kind) -> str:
    scale, digits = (100.0, 1) if kind == "share" else (1.0, 1 if kind == "words" else 3)

    def signed(number: float) -> str:
        text = f"{number * scale:+.{digits}f}"
        return text if float(text) else f"{0:.{digits}f}"

    value, low, high = found["value"], found["low"], found["high"]
    if value is None:
        return MISSING
    return _with(signed(value), "" if low is None or high is None else f"{signed(low)} to {signed(high)}")


def _agreements(pair: Pair) -> Table:
    several = " by any sample" if pair.samples > 1 else ""
    made = console.table("", (f"problems{several}", "both", "A alone", "B alone", "neither", "McNemar p"), ())
    for name in SUCCESSES:
        found = pair.agreement(name)
        counts = (found.both, found.first, found.second, found.neither)
        made.add_row(name, *(f"{each:,}" for each in counts), _chance(found))
    return made


def _chance(found: Agreement) -> str:
    return f"{found.p:.3f}" if found.p >= 0.001 else f"{found.p:.1e}"


def _problems(pair: Pair, success: Success, listed: int) -> None:
    """The first problems of which one side alone makes a success, and how to look at one."""
    does = "answers optimally" if success == "optimal" else "solves"
    for side, other, frame in zip(pair.sides, reversed(pair.sides), pair.alone(success), strict=True):
        console.OUT.print()
        if frame.is_empty():
            console.OUT.print(f"No problem that {side.letter} {does} and {other.letter} does not.")
            continue
        shown = f", the first {listed}" if len(frame) > listed else ""
        plural = "problem" if len(frame) == 1 else "problems"
        title = f"{len(frame):,} {plural} that {side.letter} {does} and {other.letter} does not{shown}"
        console.OUT.print(f"[bold]{title}[/bold]")
        console.OUT.print(_listing(frame.head(listed), other))
        console.OUT.print(f"[dim]{_command(other, frame['problem_id'][0])}[/dim]", soft_wrap=True)


def _listing(frame: pl.DataFrame, failed: Side) -> Table:
    digits = WHOLE if console.OUT.width >= WIDE else BRIEF
    columns = ("problem", "A", "words", "B", "words", f"why {failed.letter} fails")
    made = console.table("", columns, (), left=len(columns))
    made.columns[2].justify = made.columns[4].justify = "right"
    for row in frame.iter_rows(named=True):
        end = "_a" if failed.letter == "A" else "_b"
        cells = [cell for side in "ab" for cell in (row[f"verdict_{side}"], _words(row[f"words_{side}"]))]
        made.add_row(row["problem_id"][:digits], *cells, Text(plain(row[f"reason{end}"] or MISSING)))
    return made


def _words(count: float | None) -> str:
    return f"{count:,.0f}" if count else MISSING


def _command(side: Side, problem_id: str) -> str:
    return f"distill inspect {escape(str(side.folder))} --row {problem_id[:BRIEF]} --step"
