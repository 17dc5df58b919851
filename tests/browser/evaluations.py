"""Finished evaluations without training: the teacher's traces as responses, some of them spoilt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from generators.domain import Domain
from pipeline import asked, schema
from pipeline.answering import ROLLOUTS, Entrant
from pipeline.artifact import Artifact
from pipeline.files import Json
from pipeline.provenance import provenance
from pipeline.recipe import Evaluate, domain_fields
from pipeline.rollouts import GREEDY
from pipeline.seeds import named_rng
from pipeline.stages.evaluate import judge
from pipeline.vocabulary import Vocabulary

CHECKPOINTS = (("start", 0), ("model", 1), ("teacher", 1))


def evaluation(
    folder: Path,
    domain: Domain,
    *,
    rows: int = 24,
    samples: int = 2,
    checkpoints: Sequence[tuple[str, int]] = CHECKPOINTS,
    notation: str = "",
    problems: pl.DataFrame | None = None,
    figures: bool = False,
    recipe: str = "made",
    **strange: Any,
) -> Artifact:
    """An evaluation with its problems; every third response departs from the teacher, some have no end.

    With `figures` it has the metrics of `evaluate`, too. `strange` columns take the place of what was found.
    """
    notation = notation or domain.notations[0]
    drawn = domain.problems(named_rng(1, "problems"), rows) if problems is None else problems
    solved = domain.solve(drawn, named_rng(1, "teacher")).unique("problem_id", maintain_order=True)
    vocabulary = Vocabulary(domain, notation)
    words = dict.fromkeys((*vocabulary.words, *domain.alphabet(domain.notations[0])))
    columns = schema.rollouts(tuple(words))
    parts = [
        _responses(domain, solved, notation, arm, number, sample, columns)
        for arm, number in checkpoints
        for sample in range(GREEDY, samples)
    ]
    frame = pl.concat(parts).with_columns(pl.lit(value).alias(name) for name, value in strange.items())
    artifact = Artifact(folder)
    artifact.publish(ROLLOUTS, lambda path: schema.write(frame, path, columns, {}), rows=len(frame))
    facts: Json = {}
    if figures:
        checkpoint = folder.parent.parent / "checkpoint"
        vocabulary.save(checkpoint)
        entrants = [Entrant(arm, number, checkpoint) for arm, number in checkpoints]
        facts = judge(artifact, domain, entrants, solved, Evaluate(problems=rows, samples=samples), 1)
    else:
        asked.keep(artifact, domain, solved)
    about = {"stage": "evaluate", "recipe": recipe, "domain": domain_fields(domain), "notation": notation}
    artifact.seal({**about, **facts, "settings": {}, "provenance": dict(provenance())})
    return artifact


def dataset(folder: Path, domain: Domain, rows: int = 40, stage: str = "curate") -> Artifact:
    """A finished data set of a few files a split."""
    solved = domain.solve(domain.problems(named_rng(2, "problems"), rows), named_rng(2, "teacher"))
    given = solved.select("trace", "answer", ended=pl.lit(True))
    judged = domain.check(solved, given).select("verdict", "level")
    whole = pl.concat([solved, judged], how="horizontal").with_columns(
        seed=pl.lit(1, pl.Int64), shard=pl.lit(0, pl.Int32), row=pl.int_range(pl.len(), dtype=pl.Int32)
    )
    columns = schema.traces(domain)
    artifact = Artifact(folder)
    names = (
        "train-00000-of-00002",
        "train-00001-of-00002",
        "validation-00000-of-00001",
        "test-00000-of-00001",
    )
    for at, name in enumerate(names):
        part = whole.gather_every(len(names), at)
        artifact.publish(
            f"data/{name}.parquet",
            lambda path, part=part: schema.write(part, path, columns, {}),
            rows=len(part),
        )
    artifact.seal({"stage": stage, "domain": domain_fields(domain), "inputs": []})
    return artifact


def spoilt(trace: list[str], rng: np.random.Generator) -> list[str]:
    """A trace with one of its words in the place of another, or cut short."""
    if len(trace) < 2 or rng.random() < 0.3:
        return trace[: int(rng.integers(0, len(trace) + 1))]
    at, other = rng.integers(len(trace) // 3, len(trace)), rng.integers(0, len(trace))
    return [*trace[:at], trace[other], *trace[at + 1 :]]


def _responses(
    domain: Domain,
    problems: pl.DataFrame,
    notation: str,
    arm: str,
    number: int,
    sample: int,
    columns: schema.Columns,
) -> pl.DataFrame:
    """One response to each problem."""
    rng = named_rng(3, arm, number, sample)
    solved = domain.solve(problems, rng)
    traces = solved["trace"].cast(pl.List(pl.String)).to_list()
    answers = solved["answer"].cast(pl.List(pl.String)).to_list()
    for at in range(len(problems)):
        if at % 3 == sample % 3:
            traces[at] = spoilt(traces[at], rng)
        if at % 7 == 6:
            answers[at] = answers[at][:-1]
        elif at % 5 == 4:
            answers[at] = answers[at - 1]
    kind = pl.List(pl.String)
    given = pl.DataFrame(
        {
            "trace": pl.Series(traces, dtype=kind),
            "answer": pl.Series(answers, dtype=kind),
            "ended": [at % 7 != 6 for at in range(len(problems))],
            "scores": pl.Series([None] * len(problems), dtype=pl.List(pl.Float32)),
        }
    )
    if notation in (*domain.value_notations, *domain.choice_notations):
        given = given.with_columns(*_rated(domain, problems, notation, rng), trace=pl.lit(None, kind))
    judged = domain.check(problems, given)
    own = pl.concat([given, judged, problems.select("problem_id", "split_key", "cost")], how="horizontal")
    filled = own.with_columns(
        arm=pl.lit(arm),
        round=pl.lit(number),
        sample=pl.lit(sample),
        trace_words=pl.col("trace").list.len(),
        teacher_words=problems["trace_words"],
    )
    absent = [pl.lit(None).alias(name) for name in columns if name not in filled.columns]
    return filled.with_columns(absent).select(
        pl.col(name).cast(kind, strict=False) for name, kind in columns.items()
    )


def _rated(
    domain: Domain, problems: pl.DataFrame, notation: str, rng: np.random.Generator
) -> list[pl.Series]:
    """Answers by chance, with scores of all candidates."""
    offered = domain.candidates(problems, notation)
    counts = offered.group_by("row", maintain_order=True).agg(pl.col("candidates").list.len().sum())
    scores = [rng.random(count).tolist() for count in counts["candidates"]]
    decided = domain.decide(problems, pl.Series("scores", scores, pl.List(pl.Float32)), notation)
    return [decided["answer"].cast(pl.List(pl.String)), decided["scores"]]
