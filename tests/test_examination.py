"""Held-out problems judged by better labels than the stored ones, beside rivals and a domain's own tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import polars as pl
import pytest
from tiny import Counting

from pipeline import schema
from pipeline.artifact import Artifact
from pipeline.examination import CHUNK, EXAMINED, examined, labelled_columns
from pipeline.executor import Executor
from pipeline.judgement import Judgement, rivals
from pipeline.recipe import Evaluate
from pipeline.rollouts import GREEDY


@dataclass(frozen=True, kw_only=True)
class Examined(Counting):
    """Counting whose examiner counts one further, and who has a rival and a table."""

    extra: int = 0
    late: ClassVar[tuple[str, ...]] = ("extra",)
    headline: ClassVar[tuple[str, ...]] = ("large",)

    def examiner(self) -> Self | None:
        return replace(self, extra=1) if not self.extra else None

    def solve(self, problems: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        solved = super().solve(problems, rng)
        return solved.with_columns(pl.col("cost") + self.extra)

    def rivals(
        self, problems: pl.DataFrame, examined: pl.DataFrame, rng: np.random.Generator
    ) -> Mapping[str, pl.DataFrame]:
        assert (examined["cost"] == problems["cost"] + 1).all()
        right = problems.select(pl.col("answer").cast(pl.List(pl.String)))
        wrong = pl.DataFrame({"answer": pl.Series([["sum", "39"]] * len(problems), dtype=pl.List(pl.String))})
        return {"knows all": right, "always 39": wrong}

    def measures(self, rollouts: pl.DataFrame, notation: str) -> pl.DataFrame:
        return rollouts.select(large=pl.col("a") > 4)

    def tables(self, rollouts: pl.DataFrame, notation: str) -> Mapping[str, pl.DataFrame]:
        return {f"By b, {notation}": rollouts.group_by("b").len().sort("b")}


def drawn(rows: int) -> pl.DataFrame:
    domain = Examined(largest=19)
    rng = np.random.default_rng(1)
    unique = domain.problems(rng, 20 * rows).unique("problem_id", keep="first", maintain_order=True)
    solved = domain.solve(unique.head(rows), rng)
    assert len(solved) == rows
    return solved.with_columns(split=pl.lit("test"), seen_in_training=pl.lit(None, pl.Boolean))


def test_labels_are_the_examiners_and_other_columns_stay(tmp_path: Path) -> None:
    rows = drawn(2 * CHUNK + 3)
    made = examined(Artifact(tmp_path), Examined(), rows, 0, Executor(1))
    assert (made["cost"] == rows["cost"] + 1).all()
    assert (
        made.drop("cost")
        .select(sorted(rows.drop("cost").columns))
        .equals(rows.drop("cost").select(sorted(rows.drop("cost").columns)))
    )
    assert [path.name for path in tmp_path.rglob("*.parquet")] == [EXAMINED]


def test_chunks_that_stand_are_not_labelled_again(tmp_path: Path) -> None:
    rows, artifact = drawn(2 * CHUNK), Artifact(tmp_path)
    columns = labelled_columns(Examined())
    first = rows.head(CHUNK).select(list(columns)).with_columns(cost=pl.lit(99, pl.Int32))
    artifact.publish("parts/examined-00000.parquet", lambda path: schema.write(first, path, columns, {}))
    made = examined(artifact, Examined(), rows, 0, Executor(1))
    assert (made["cost"].head(CHUNK) == 99).all()
    assert (made["cost"].tail(CHUNK) == rows["cost"].tail(CHUNK) + 1).all()
    again = examined(artifact, Examined(), rows, 0, Executor(1))
    assert again.equals(made)


def test_a_domain_without_examiner_keeps_its_labels(tmp_path: Path) -> None:
    rows = drawn(5)
    assert examined(Artifact(tmp_path), Counting(), rows, 0, Executor(1)) is rows
    assert not list(tmp_path.iterdir())


def test_rivals_are_judged_as_students_are() -> None:
    rows = drawn(30)
    problems = rows.with_columns(pl.col("cost") + 1)
    found = rivals(Examined(), rows, problems, 0)
    judgement = Judgement(Examined(), "steps", problems, Evaluate())
    for name, share in (("knows all", 1.0), ("always 39", 0.0)):
        measured = {row["metric"]: row for row in judgement.rival(found[name], name)}
        assert measured["optimal"]["value"] == share
        assert measured["large"]["value"] == pytest.approx((rows["a"] > 4).mean())
        assert measured["large"]["own"] == "share"
        assert {row["label"] for row in measured.values()} == {name}


def test_tables_are_plain_data_of_greedy_responses() -> None:
    rows = drawn(30)
    found = rivals(Examined(), rows, rows.with_columns(pl.col("cost") + 1), 0)["knows all"]
    twice = pl.concat([found, found.with_columns(sample=pl.lit(0, pl.Int32))])
    assert (twice["sample"] == GREEDY).sum() == 30
    (made,) = Judgement(Examined(), "steps", rows, Evaluate()).tables(twice, "me")
    assert (made["label"], made["title"], made["columns"]) == ("me", "By b, steps", ["b", "len"])
    assert sum(count for _, count in made["rows"]) == 30
