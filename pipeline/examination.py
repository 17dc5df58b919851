"""Held-out problems with the labels that answers are held against: the stored ones, or an examiner's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from generators.domain import Domain, problem_columns, solution_columns
from pipeline import schema
from pipeline.artifact import Artifact
from pipeline.console import bar
from pipeline.executor import Executor
from pipeline.seeds import named_rng

CHUNK = 25
"""Problems that are labelled in one step: what an interruption can cost a worker."""
EXAMINED = "examined.parquet"


def examined(
    artifact: Artifact, domain: Domain, stored: pl.DataFrame, seed: int, executor: Executor
) -> pl.DataFrame:
    """`stored` with the examiner's labels in place of its own; itself where the domain has no examiner.

    Labels are made in parallel and kept as they come, then published as one file of the artifact.
    """
    examiner = domain.examiner()
    if examiner is None:
        return stored
    columns = labelled_columns(examiner)
    if artifact.written(EXAMINED) is None:
        asked = stored.select(
            *problem_columns(()), *[name for name in domain.columns if name in stored.columns]
        )
        task = _Chunk(examiner, artifact.folder, asked, seed)
        chunks = range(-(-len(stored) // CHUNK))
        missing = [at for at in chunks if artifact.written(_part(at)) is None]
        with bar("examine", len(chunks)) as advance:
            advance(len(chunks) - len(missing))
            for _ in executor.over(task, missing, artifact):
                advance()
        parts = [schema.read(artifact.verified_part(_part(at)), columns) for at in chunks]
        frame = pl.concat(parts)
        artifact.publish(EXAMINED, lambda path: schema.write(frame, path, columns, {}), rows=len(frame))
        artifact.discard(*map(_part, chunks))
    labels = schema.read(artifact.verified_part(EXAMINED), columns)
    return pl.concat([labels, stored.drop(*columns, strict=False)], how="horizontal")


def labelled_columns(domain: Domain) -> Mapping[str, pl.DataType]:
    """Everything that `problems` and `solve` give."""
    alphabet = domain.alphabet(domain.notations[0])
    return {**problem_columns(alphabet), **solution_columns(alphabet), **domain.columns}


def _part(at: int) -> str:
    return f"parts/examined-{at:05d}.parquet"


@dataclass(frozen=True)
class _Chunk:
    """Label some of the problems."""

    examiner: Domain
    folder: Path
    problems: pl.DataFrame
    seed: int

    def __call__(self, at: int) -> None:
        rows = self.problems.slice(at * CHUNK, CHUNK)
        solved = self.examiner.solve(rows, named_rng(self.seed, "examination", at))
        columns = labelled_columns(self.examiner)
        Artifact(self.folder).publish(
            _part(at), lambda path: schema.write(solved, path, columns, {}), rows=len(solved)
        )
