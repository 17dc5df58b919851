"""A problem of the user's own, answered by a checkpoint and judged step by step beside its teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from rich.markup import escape

from generators.domain import Domain
from pipeline.console import OUT, table
from pipeline.files import write_text
from pipeline.rollouts import Student, greedily
from pipeline.seeds import named_rng
from trainers.config import Sampling

SHOWN = ("trace", "answer", "scores")
VERDICT_STYLE = {"optimal": "green", "valid": "yellow", "wrong": "red", "malformed": "red"}


def solve(
    checkpoint: Path, problem: str, samples: int, temperature: float, pictures: Path | None = None
) -> None:
    """Print the problem with the model's answer, its verdict, and its trace beside the teacher's.

    A folder for `pictures` gets what is shown of both as SVG, two files a problem.
    """
    student = Student(checkpoint)
    domain = student.vocabulary.domain
    problems = domain.read(problem)
    for sentence in domain.skipped(problem):
        OUT.print(f"[yellow]{escape(sentence)}[/yellow]", soft_wrap=True)
    solved = domain.solve(problems, named_rng(0, "solve"))
    sampling = Sampling(temperature=temperature, deterministic=True)
    student.require_room(solved)
    if samples:
        answers = _best(student.answer(solved, samples, sampling, 0))
    else:
        answers = student.answer(solved, 1, greedily(sampling), 0)
    for remark in domain.remarks(solved):
        OUT.print(f"[yellow]{escape(remark)}[/yellow]", soft_wrap=True)
    pairs = zip(solved.iter_rows(named=True), answers.iter_rows(named=True), strict=True)
    for number, (teacher, answer) in enumerate(pairs, 1):
        own = {key: answer[key] for key in SHOWN}
        model = {**teacher, **own, "notation": student.vocabulary.notation}
        _show(domain, teacher, model, answer)
        if pictures is not None:
            for who, row in (("teacher", teacher), ("model", model)):
                write_text(pictures / f"{number}-{who}.svg", domain.view(row, "svg"), alone=True)


def _best(answers: pl.DataFrame) -> pl.DataFrame:
    """Of each problem's samples the best verdict, and the shortest trace among those."""
    ranked = answers.with_columns(rank=-pl.col("verdict").to_physical().cast(pl.Int32))
    best = ranked.sort("problem", "rank", "trace_words", "sample", nulls_last=True)
    return best.unique("problem", keep="first", maintain_order=True)


def _show(domain: Domain, teacher: dict[str, Any], model: dict[str, Any], answer: dict[str, Any]) -> None:
    for who, row in (("teacher", teacher), ("model", model)):
        OUT.print(f"[bold]{who}[/bold]")
        OUT.print(domain.view(row, "text"), markup=False, soft_wrap=True)
        OUT.print()
    verdict = str(answer["verdict"])
    why = f": {answer['answer_reason']}" if answer["answer_reason"] else ""
    OUT.print(f"verdict    [{VERDICT_STYLE[verdict]}]{verdict}[/]{why}", soft_wrap=True)
    if answer["level"] is not None:
        OUT.print(
            f"trace      {answer['level']}:"
            f" {answer['faithful_steps']} of {answer['total_steps']} steps faithful"
        )
    if answer["first_departure"] is not None:
        OUT.print(
            f"departure  {answer['departure_reason']} (steps count from 0)",
            soft_wrap=True,
            markup=False,
        )
    rows = [
        ("model", answer["trace_words"], answer["answer_cost"]),
        ("teacher", teacher["trace_words"], teacher["cost"]),
    ]
    OUT.print(table("", ("", "trace words", "cost"), rows))
