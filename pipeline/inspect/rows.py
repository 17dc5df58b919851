"""Rows as their domain draws them, or plainly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.rule import Rule

from generators.domain import BadProblem, Domain, domain_class
from pipeline.console import OUT
from pipeline.errors import Refusal
from pipeline.inspect import problems
from pipeline.inspect.header import nearest_manifest
from pipeline.inspect.texts import cut, plain

Row = Mapping[str, Any]


def show(shown: Sequence[Row], beside: Path) -> None:
    """Print rows; `beside` is the folder whose manifest names their domain."""
    domain = domain_beside(beside) if shown else None
    if domain is not None and {"problem_id", "trace"} <= set(shown[0]) and "prompt" not in shown[0]:
        asked = problems.asked(beside, sorted({row["problem_id"] for row in shown}))
        shown = [{**asked.get(row["problem_id"], {}), **row} for row in shown]
    for at, row in enumerate(shown):
        OUT.print(Rule(escape(cut(_title(at, row), OUT.width - 4)), align="left", style="dim"))
        drawn = None if domain is None else picture(domain, row)
        OUT.print(plainly(row) if drawn is None else drawn, markup=False, soft_wrap=drawn is not None)


def domain_beside(folder: Path) -> Domain | None:
    """The domain that the nearest manifest names; None without one, or where it cannot be had."""
    known = nearest_manifest(folder, "domain")
    if known is None:
        return None
    try:
        return _domain(known[1]["domain"])
    except (Refusal, BadProblem) as cause:
        OUT.print(f"[yellow]rows are shown plainly: {escape(plain(str(cause)))}[/yellow]", soft_wrap=True)
        return None


def _domain(fields: Mapping[str, Any]) -> Domain:
    """The domain of these knobs: at once where a manifest holds what the class takes, else as recipes do."""
    plain_knobs = {name: knob for name, knob in fields.items() if name != "name"}
    if all(isinstance(knob, str | int | float) for knob in plain_knobs.values()):
        try:
            return domain_class(str(fields["name"]))(**plain_knobs)
        except (TypeError, ValueError):
            pass  # knobs of another version: the recipe's parser says what is wrong
    from pipeline.recipe import domain_from  # takes longer to start than all the rest of a look

    return domain_from(dict(fields))


def picture(domain: Domain, row: Row) -> str | None:
    """A row as its domain draws it; None where it cannot."""
    if row.get("prompt") is None or not {"trace", "answer"} <= set(row):
        return None
    try:
        return plain(domain.view(row, "text"))
    except BadProblem:
        return None


def who(row: Row) -> str:
    """Whose response a row of rollouts is: the checkpoint, and whether it is the greedy one."""
    name = f"{row['arm']} {row['round']}" if row.get("arm") is not None else "response"
    if row.get("sample") is None:
        return name
    return f"{name}, greedy" if row["sample"] < 0 else f"{name}, sample {row['sample']}"


def _title(at: int, row: Row) -> str:
    """What is known of a row before it is drawn."""
    parts = [f"row {at}"]
    if row.get("problem_id"):
        parts.append(str(row["problem_id"])[:12])
    if "sample" in row:
        parts.append(who(row))
    parts += [str(row[name]) for name in ("split", "verdict", "level", "reason") if row.get(name)]
    if row.get("trace_words") is not None:
        parts.append(f"{row['trace_words']:,} words")
    return " · ".join(parts)


def plainly(row: Row) -> str:
    """A line a column, cut to the width of the terminal."""
    wide = max(map(len, row), default=0)
    lines = []
    for name, value in row.items():
        text = (
            " ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else value
        )
        lines.append(f"{name:<{wide}}  {cut(str(text), max(OUT.width - wide - 3, 10))}")
    return "\n".join(lines)
