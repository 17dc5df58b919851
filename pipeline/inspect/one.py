"""One problem in a terminal: its facts, its picture, the responses to it, and its trace step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from generators.domain import BadProblem, Domain
from pipeline.artifact import Artifact
from pipeline.console import OUT, table
from pipeline.errors import Refusal
from pipeline.final import final
from pipeline.inspect import rows
from pipeline.inspect.header import facts, nearest_manifest
from pipeline.inspect.parquet import readable
from pipeline.inspect.problems import Found, find
from pipeline.inspect.stepping import Reel, Stepper, play
from pipeline.inspect.texts import cut, plain

Row = Mapping[str, Any]

ANSWERED = ("trace", "answer", "scores", "verdict", "level", "trace_words")
"""What a response puts in the place of the teacher's."""

FAMILIAR = ("problem_id", "split", "verdict", "level", "cost", "trace_words", "seed", "shard", "row")
"""Columns that have a line of their own, or part of one."""

GAP = 3


def show(place: Path, begun: str, step: bool) -> None:
    """Draw the problem whose id is `begun` or begins so; with `step`, play its trace and the responses'."""
    with readable(str(place)):
        found = find(place, begun)
    folder = place if place.is_dir() else place.absolute().parent
    domain = rows.domain_beside(folder)
    if step:
        _play(found, domain, folder)
        return
    _facts(found, domain)
    if found.responses:
        OUT.print(_responses(found.responses))
    _pictures(found, domain, folder)


def shown(responses: Sequence[Row]) -> Row | None:
    """The greedy response of the checkpoint that the evaluation is about."""
    greedy = [row for row in responses if row.get("sample") is None or row["sample"] < 0]
    return greedy[final([row.get("arm") for row in greedy])] if greedy else None


def answered(found: Found, response: Row, folder: Path) -> Row:
    """The problem with a response in the place of the teacher's."""
    own = {name: response[name] for name in ANSWERED if name in response}
    return {**found.row, "trace": None, "answer": None, "notation": _notation(folder), **own}


def _notation(folder: Path) -> str | None:
    """The notation of the models whose responses stand in a folder, where that can be told."""
    from pipeline.lineage import ancestors

    known = nearest_manifest(folder, "stage")
    if known is None:
        return None
    encoded = ancestors(Artifact(known[0])).get("encode")
    return None if encoded is None else encoded.manifest.get("notation")


def _facts(found: Found, domain: Domain | None) -> None:
    """What is known of a problem, a line each."""
    row = found.row
    lines = [("problem", str(row["problem_id"]))]
    lines += [(name, str(row[name])) for name in ("split", "verdict", "cost") if row.get(name) is not None]
    if row.get("trace_words") is not None:
        level = f", {row['level']}" if row.get("level") else ""
        lines.append(("trace", f"{row['trace_words']:,} words{level}"))
    places = [f"{name} {row[name]:,}" for name in ("seed", "shard", "row") if row.get(name) is not None]
    if places:
        lines.append(("drawn as", ", ".join(places)))
    own = [
        f"{name} {cut(str(row[name]), 60)}"
        for name in (domain.columns if domain is not None else ())
        if name in row and name not in FAMILIAR and not isinstance(row[name], list | None)
    ]
    if own:
        lines.append(("own", ", ".join(own)))
    if found.twins:
        lines.append(("also", f"{found.twins:,} more rows of this problem; the first one is shown"))
    OUT.print(facts(lines))


def _responses(responses: Sequence[Row]) -> Table:
    """A line a response: its verdict, and where its trace first goes wrong."""
    lines = []
    for row in responses:
        departure, why = row.get("first_departure"), row.get("departure_reason") or row.get("answer_reason")
        lines.append(
            [
                rows.who(row),
                row.get("verdict") or "–",
                row.get("level") or "–",
                "–" if row.get("trace_words") is None else f"{row['trace_words']:,}",
                "–" if departure is None else f"{departure + 1:,}",
                escape(plain(str(why))) if why else "",
            ]
        )
    made = table("responses", ["", "verdict", "level", "words", "frame", "first departure"], lines, left=3)
    made.columns[5].justify = "left"
    for column in made.columns[:5]:
        column.no_wrap = True
    return made


def _pictures(found: Found, domain: Domain | None, folder: Path) -> None:
    """The problem as its domain draws it, and the last response beside it where there is room."""
    drawn = None if domain is None else rows.picture(domain, {"trace": None, "answer": None, **found.row})
    if drawn is None or domain is None:
        OUT.print(rows.plainly(found.row), markup=False)
        return
    response = shown(found.responses)
    other = None
    if response is not None and {"trace", "answer"} <= set(response):
        other = rows.picture(domain, answered(found, response, folder))
    if response is None or other is None:
        OUT.print()
        OUT.print(drawn, markup=False, soft_wrap=True)
        return
    titled = (("teacher", drawn), (rows.who(response), other))
    wide = [max(map(cell_len, [title, *text.splitlines()])) for title, text in titled]
    if sum(wide) + GAP <= OUT.width:
        OUT.print()
        OUT.print(_beside(titled))
        return
    for title, text in titled:
        OUT.print(Rule(escape(title), align="left", style="dim"))
        OUT.print(text, markup=False, soft_wrap=True)


def _beside(titled: Sequence[tuple[str, str]]) -> Table:
    made = Table.grid(padding=(0, GAP, 0, 0))
    for _ in titled:
        made.add_column(no_wrap=True)
    made.add_row(*[Text(title, style="bold") for title, _ in titled])
    made.add_row(*[Text(text) for _, text in titled])
    return made


def _play(found: Found, domain: Domain | None, folder: Path) -> None:
    """Play the teacher's trace and the responses'."""
    if domain is None or found.row.get("prompt") is None:
        raise Refusal(f"{found.folder} does not tell the problem's domain and prompt: nothing can be played")
    reels = []
    if found.row.get("trace") is not None or found.row.get("answer") is not None:
        reels.append(_reel("teacher", found.row, domain))
    last = shown(found.responses)
    for response in sorted(found.responses, key=lambda row: row is not last):
        if response.get("trace") is not None or response.get("answer") is not None:
            reels.append(_reel(rows.who(response), answered(found, response, folder), domain, response))
    if not reels:
        raise Refusal(f"{found.row['problem_id']} has neither a trace nor an answer to play")
    play(Stepper(reels, piped=1 + (last is not None)))


def _reel(title: str, row: Row, domain: Domain, judged: Row | None = None) -> Reel:
    try:
        count = int(domain.play(row)["count"])
    except BadProblem as error:
        raise Refusal(f"{row['problem_id']} cannot be played: {error}") from None
    judged = judged or {}
    words = [title, judged.get("verdict") or row.get("verdict"), judged.get("level") or row.get("level")]
    departure = judged.get("first_departure")
    return Reel(
        title=", ".join(str(word) for word in words if word),
        count=count,
        frame=lambda at: plain(domain.frame(row, at)),
        departure=None if departure is None else min(departure + 1, count),
        reason=plain(str(judged.get("departure_reason") or "")),
    )
