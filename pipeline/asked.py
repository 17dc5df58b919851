"""The problems that an evaluation has asked, with the labels that answers were held against."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from generators.domain import Domain
from pipeline import schema
from pipeline.artifact import Artifact
from pipeline.examination import EXAMINED, labelled_columns

ASKED = "problems.parquet"


def keep(artifact: Artifact, domain: Domain, problems: pl.DataFrame) -> None:
    """Store the problems beside their answers, unless an examiner has; so that an evaluation stands alone."""
    if artifact.written(EXAMINED) is not None or artifact.written(ASKED) is not None:
        return
    columns = {name: kind for name, kind in labelled_columns(domain).items() if name in problems.columns}
    artifact.publish(ASKED, lambda path: schema.write(problems, path, columns, {}), rows=len(problems))


def asked(
    evaluation: Artifact, domain: Domain, source: Artifact | None, ids: Collection[str] | None = None
) -> pl.DataFrame | None:
    """The problems of a finished evaluation, all or those of `ids`; None where nothing tells them any more.

    `source` is the data set that it was made on, for evaluations that did not keep their problems.
    """
    for name in (EXAMINED, ASKED):
        if name in evaluation.manifest["files"]:
            kept = _present(evaluation, name, domain)
            return kept if ids is None else kept.filter(pl.col("problem_id").is_in(list(ids)))
    if source is None:
        return None
    wanted = set(_known(evaluation) if ids is None else ids)
    parts: list[pl.DataFrame] = []
    for name in source.names("data/test-*.parquet"):
        gone = source.store is None and not (source.folder / name).is_file()
        if gone:  # the manifest stands all the same
            return None
        rows = schema.read(source.verified(name), schema.dataset(domain))
        parts.append(rows.filter(pl.col("problem_id").is_in(list(wanted))))
        if sum(map(len, parts)) >= len(wanted):
            break
    return pl.concat(parts) if parts else None


def _present(evaluation: Artifact, name: str, domain: Domain) -> pl.DataFrame:
    """The columns that the file has of those that the domain knows."""
    path = evaluation.verified(name)
    there = set(schema.names(path))
    return schema.read(path, {key: kind for key, kind in labelled_columns(domain).items() if key in there})


def _known(evaluation: Artifact) -> list[str]:
    return pl.read_parquet(evaluation.path("teacher.parquet"), columns=["problem_id"], glob=False)[
        "problem_id"
    ].to_list()
