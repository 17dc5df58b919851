"""A few problems with the solver's search and the model's side by side."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import polars as pl

from generators.domain import Domain
from pipeline import schema
from pipeline.examination import EXAMINED, labelled_columns
from pipeline.page.findings import Findings
from pipeline.rollouts import GREEDY
from pipeline.stages.evaluate import ROLLOUTS, START, Entrant

LONGEST = 400
"""Words of a response that the page spells out."""


@dataclass(frozen=True)
class Panel:
    """One search of a problem: the solver's or a checkpoint's."""

    title: str
    picture: str
    """A data URI; empty where the view is a text."""
    text: str
    """The view as text where there is no picture."""
    verdict: str
    facts: Sequence[str]
    words: str
    more: int
    """Words of the response that are not spelled out."""


@dataclass(frozen=True)
class Example:
    """A problem with its searches, and why it was picked."""

    problem_id: str
    why: str
    panels: Sequence[Panel]


def examples(findings: Findings, count: int) -> list[Example]:
    """Problems of the held-out split: one of each outcome, the most frequent outcomes first."""
    if not count:
        return []
    picked = _picked(findings, count)
    ids = [problem_id for problem_id, _ in picked]
    problems = _stored(findings, ids)
    shown = [findings.final] if findings.final.arm == START else [findings.entrants[0], findings.final]
    answers = {entrant: _answers(findings, entrant, ids) for entrant in shown}
    domain, notation = findings.job.recipe.domain, findings.job.recipe.notation
    made = []
    for problem_id, why in picked:
        problem = problems[problem_id]
        panels = [_solver(domain, problem)]
        panels += [
            _student(domain, notation, problem, entrant, answers[entrant][problem_id]) for entrant in shown
        ]
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


def _stored(findings: Findings, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The rows of the data set, with words as strings; with the labels that answers were held against."""
    domain, judged = findings.job.recipe.domain, findings.job.artifact
    if judged.written(EXAMINED) is not None:
        frame = schema.read(judged.verified(EXAMINED), labelled_columns(domain))
        asked = frame.filter(pl.col("problem_id").is_in(ids))
        return {row["problem_id"]: row for row in asked.iter_rows(named=True)}
    source = findings.lineage["curate"].artifact
    found: dict[str, dict[str, Any]] = {}
    for name in source.names("data/test-*.parquet"):
        columns = schema.dataset(domain)
        frame = schema.read(source.verified(name), columns).filter(pl.col("problem_id").is_in(ids))
        found |= {row["problem_id"]: row for row in frame.iter_rows(named=True)}
        if len(found) == len(ids):
            break
    return found


def _answers(findings: Findings, entrant: Entrant, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The greedy responses to those problems, whole."""
    frame = pl.scan_parquet(findings.job.artifact.folder / ROLLOUTS).filter(
        pl.col("problem_id").is_in(list(ids)),
        pl.col("sample") == GREEDY,
        pl.col("arm").cast(pl.String) == entrant.arm,
        pl.col("round") == entrant.round,
    )
    rows = frame.drop("logprobs", "ids").collect().iter_rows(named=True)
    return {row["problem_id"]: row for row in rows}


def _solver(domain: Domain, problem: Mapping[str, Any]) -> Panel:
    facts = [f"{problem['trace_words']:,} trace words"] if problem["trace"] else []
    if problem["cost"] is not None:
        facts.append(f"cost {problem['cost']}")
    return _panel(domain, problem, "solver", "optimal", facts)


def _student(
    domain: Domain, notation: str, problem: Mapping[str, Any], entrant: Entrant, answer: Mapping[str, Any]
) -> Panel:
    own = {name: answer[name] for name in ("trace", "answer", "scores")}
    row = {**problem, **own, "notation": notation}
    facts = [f"{answer['trace_words']:,} trace words"] if answer["trace_words"] else []
    if answer["answer_cost"] is not None:
        facts.append(f"cost {answer['answer_cost']}")
    if answer["level"] is not None:
        facts.append(
            f"trace {answer['level']}, {answer['faithful_steps']:,} of {answer['total_steps']:,} steps right"
        )
    if answer["first_departure"] is not None:
        facts.append(f"departs: {answer['departure_reason']}")
    if answer["answer_reason"]:
        facts.append(f"answer: {answer['answer_reason']}")
    title = "model" if entrant.arm == START else f"model after round {entrant.round}"
    if entrant.arm not in (START, "model"):
        title = entrant.label
    return _panel(domain, row, title, str(answer["verdict"]), facts)


def _panel(domain: Domain, row: Mapping[str, Any], title: str, verdict: str, facts: Sequence[str]) -> Panel:
    words = [str(word) for word in [*(row["trace"] or []), *(row["answer"] or [])] if word is not None]
    picture = _picture(domain.view(row, "svg"))
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
