"""A few problems with the solver's search and the model's side by side."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

import polars as pl

from generators.domain import Domain
from pipeline.answering import ROLLOUTS
from pipeline.final import START
from pipeline.page.findings import Checkpoint, Findings
from pipeline.page.parts import Example, Panel
from pipeline.rollouts import GREEDY

LONGEST = 400
"""Words of a response that the page spells out."""


class Allowance:
    """How many bytes of pictures the page has room for; what comes later is shown as text."""

    def __init__(self, left: int) -> None:
        self.left = left

    def taken(self, picture: str) -> bool:
        """Whether a picture fits; it is then on the page."""
        fits = len(picture) <= self.left
        self.left -= len(picture) * fits
        return fits


def examples(findings: Findings, count: int, room: Allowance) -> list[Example]:
    """Problems of the held-out split: one of each outcome, the most frequent outcomes first."""
    if not count or findings.problems is None:
        return []
    picked = _picked(findings, count)
    ids = [problem_id for problem_id, _ in picked]
    known = findings.problems.filter(pl.col("problem_id").is_in(ids)).unique("problem_id", keep="first")
    problems = {row["problem_id"]: row for row in known.iter_rows(named=True)}
    shown = findings.pictured
    answers = {entrant: _answers(findings, entrant, ids) for entrant in shown}
    made = []
    for problem_id, why in picked:
        if problem_id in problems:
            problem = problems[problem_id]
            panels = [solver(findings.domain, problem, room)]
            panels += [_student(findings, problem, each, answers[each][problem_id], room) for each in shown]
            made.append(Example(problem_id, why, panels))
    return made


def _picked(findings: Findings, count: int) -> list[tuple[str, str]]:
    """Problem and the outcome that it stands for: the first of each outcome, then the next of the split."""
    own = findings.greedy(findings.final).unique("problem_id", keep="first", maintain_order=True)
    named = own.with_row_index("place").with_columns(
        outcome=pl.concat_str("verdict", pl.lit(" answer, trace "), "level", ignore_nulls=False).fill_null(
            pl.col("verdict") + " answer"
        )
    )
    groups = named.group_by("outcome").agg(pl.len(), pl.col("place").min(), pl.col("problem_id").first())
    ordered = groups.sort("len", "place", descending=[True, False])
    picked = [
        (row["problem_id"], f"{row['outcome']}: {row['len']:,} of {len(own):,}")
        for row in ordered.iter_rows(named=True)
    ][:count]
    taken = {problem_id for problem_id, _ in picked}
    rest = [row for row in named.iter_rows(named=True) if row["problem_id"] not in taken]
    return picked + [(row["problem_id"], f"another: {row['outcome']}") for row in rest[: count - len(picked)]]


def _answers(findings: Findings, entrant: Checkpoint, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The greedy responses to those problems, whole."""
    frame = pl.scan_parquet(findings.artifact.path(ROLLOUTS), glob=False).filter(
        pl.col("problem_id").is_in(list(ids)),
        pl.col("sample") == GREEDY,
        pl.col("arm").cast(pl.String) == entrant.arm,
        pl.col("round") == entrant.round,
    )
    rows = frame.drop("logprobs", "ids").collect().iter_rows(named=True)
    return {row["problem_id"]: row for row in rows}


def solver(domain: Domain, problem: Mapping[str, Any], room: Allowance) -> Panel:
    """The search of the teacher."""
    facts = [f"{problem['trace_words']:,} trace words"] if problem["trace"] else []
    if problem["cost"] is not None:
        facts.append(f"cost {problem['cost']}")
    return _panel(domain, problem, "solver", "optimal", facts, room)


def _student(
    findings: Findings,
    problem: Mapping[str, Any],
    entrant: Checkpoint,
    answer: Mapping[str, Any],
    room: Allowance,
) -> Panel:
    own = {name: answer.get(name) for name in ("trace", "answer", "scores")}
    row = {**problem, **own, "notation": findings.notation}
    if entrant.arm == START:
        title = "model"
    else:
        title = f"model after round {entrant.round}" if entrant.arm == "model" else findings.label(entrant)
    return _panel(findings.domain, row, title, str(answer["verdict"]), list(_facts(answer)), room)


def _facts(answer: Mapping[str, Any]) -> Iterator[str]:
    """What is said below a student's picture."""
    if answer["trace_words"]:
        yield f"{answer['trace_words']:,} trace words"
    if answer["answer_cost"] is not None:
        yield f"cost {answer['answer_cost']}"
    if answer["level"] is not None:
        steps = f"{answer['faithful_steps']:,} of {answer['total_steps']:,} steps right"
        yield f"trace {answer['level']}, {steps}"
    if answer["first_departure"] is not None:
        yield f"departs: {answer['departure_reason']}"
    if answer["answer_reason"]:
        yield f"answer: {answer['answer_reason']}"


def _panel(
    domain: Domain,
    row: Mapping[str, Any],
    title: str,
    verdict: str,
    facts: Sequence[str],
    room: Allowance,
) -> Panel:
    words = [str(word) for word in [*(row["trace"] or []), *(row["answer"] or [])] if word is not None]
    picture = _picture(domain.view(row, "svg"))
    if not room.taken(picture):
        picture = ""
    text = "" if picture else domain.view(row, "text")
    spelled = " ".join(words[:LONGEST])
    return Panel(title, picture, text, verdict, facts, spelled, max(len(words) - LONGEST, 0))


def _picture(svg: str) -> str:
    """An SVG as the source of an image: there a script in it would not run. Empty for what is no XML."""
    try:
        ElementTree.fromstring(svg)
    except ElementTree.ParseError:
        return ""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
