"""One side of a comparison: a checkpoint's judged answers in a finished evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import polars as pl
import polars.selectors as cs

from generators.domain import Domain
from pipeline import schema
from pipeline.answering import ROLLOUTS, Entrant
from pipeline.artifact import Artifact
from pipeline.asked import asked
from pipeline.errors import Damaged, Refusal
from pipeline.final import START, final
from pipeline.lineage import ancestors, domain_of, finished
from pipeline.metrics import COLUMNS
from pipeline.rollouts import GREEDY

Rule = Literal["greedy", "sampled"]

TOLD = ("temperature", "departure_reason", "answer_reason")
"""What is read of the answers beside the columns that metrics need."""


@dataclass(frozen=True)
class Side:
    """The answers of one checkpoint under one rule; `letter` is what tables call it."""

    letter: str
    artifact: Artifact
    entrant: Entrant
    rule: Rule

    @property
    def folder(self) -> Path:
        """Where the evaluation stands."""
        return self.artifact.folder

    @property
    def label(self) -> str:
        """The checkpoint as the evaluation calls it."""
        return self.entrant.label

    @property
    def recipe(self) -> str:
        """The recipe behind it, or what problems were judged without one."""
        made = self.artifact.manifest
        return str(made.get("recipe") or made.get("source") or made["stage"])

    @cached_property
    def domain(self) -> Domain:
        """The domain with the knobs of the evaluation."""
        return domain_of(self.artifact)

    @cached_property
    def answers(self) -> pl.DataFrame:
        """The light columns of the answers, classes as texts."""
        return _read(self._own, (*COLUMNS, *TOLD)).with_columns(
            pl.col("verdict", "level").cast(pl.String), pl.col("trace_words", "cost").cast(pl.Float64)
        )

    @cached_property
    def notation(self) -> str | None:
        """The notation of its answers; None where nothing tells it any more."""
        told: dict[str, str] = self.artifact.manifest.get("notations", {})
        if self.label in told:
            return told[self.label]
        encoded = ancestors(self.artifact).get("encode")
        if encoded is not None:
            return str(encoded.manifest["notation"])
        # Where all notations write words the measures are the same for each of them.
        return None if self.domain.value_notations else self.domain.notations[0]

    def measured(self) -> pl.DataFrame | None:
        """The domain's own figures beside `problem_id` and `split_key`; None where the problems have gone."""
        if self.rule != "greedy" or self.notation is None:
            return None
        problems = asked(self.artifact, self.domain, ancestors(self.artifact).get("curate"))
        if problems is None:
            return None
        words = self._own.with_columns(cs.enum().cast(pl.String)).collect()
        known = problems.select("problem_id", cs.by_name(*self.domain.columns, require_all=False))
        once = known.unique("problem_id", keep="first", maintain_order=True)
        rows = words.join(once, on="problem_id", how="left", maintain_order="left")
        return pl.concat(
            [words.select("split_key", "problem_id"), self.domain.measures(rows, self.notation)],
            how="horizontal",
        )

    @property
    def _own(self) -> pl.LazyFrame:
        return _of(self.artifact, self.entrant, self.rule)


def load(path: Path, letter: str, checkpoint: str | None, rule: Rule) -> Side:
    """A checkpoint of a finished evaluation; the one that its recipe is about where none is named.

    Raises Unfinished, Damaged, or Refusal for what is no evaluation or has no such checkpoint or answers.
    """
    artifact = finished(path)
    stage = artifact.manifest["stage"]
    if stage != "evaluate":
        raise Refusal(
            f"{path} is no evaluation but an artifact of the stage {stage};"
            " compare takes two folders such as artifacts/evaluate/DOMAIN-FINGERPRINT"
        )
    entrants = _entrants(artifact)
    if not entrants:
        raise Refusal(f"{path} is empty: it holds no answer of any checkpoint")
    last = entrants[final([each.arm for each in entrants])]
    entrant = last if checkpoint is None else _named(path, checkpoint, entrants)
    if _of(artifact, entrant, rule).head(1).collect().is_empty():
        raise Refusal(
            f"{path} has no {rule} answers of the checkpoint '{entrant.label}';"
            f" compare with --rule {'greedy' if rule == 'sampled' else 'sampled'}"
        )
    return Side(letter, artifact, entrant, rule)


def _entrants(artifact: Artifact) -> list[Entrant]:
    """The checkpoints that have answered, in the order of the evaluation."""
    path = artifact.verified(ROLLOUTS)
    there = set(schema.names(path))
    lacking = {"arm", "round", "sample", "problem_id", "split_key", "verdict"} - there
    if lacking:
        raise Damaged(f"{path} lacks the columns {', '.join(sorted(lacking))}: it is of another version")
    found = pl.scan_parquet(path, glob=False).select("arm", "round").unique(maintain_order=True).collect()
    return [Entrant(str(arm), int(number), artifact.folder) for arm, number in found.iter_rows()]


def _named(path: Path, name: str, entrants: list[Entrant]) -> Entrant:
    for each in entrants:
        # Where nothing else was judged, reports call the trained checkpoint the model.
        if each.label == name or (len(entrants) == 1 and each.arm == START and name == "model"):
            return each
    listed = ", ".join(f"'{each.label}'" for each in entrants)
    raise Refusal(f"{path} has no checkpoint '{name}'; it has {listed}")


def _of(artifact: Artifact, entrant: Entrant, rule: Rule) -> pl.LazyFrame:
    greedy = pl.col("sample") == GREEDY
    return pl.scan_parquet(artifact.path(ROLLOUTS), glob=False).filter(
        pl.col("arm").cast(pl.String) == entrant.arm,
        pl.col("round") == entrant.round,
        greedy if rule == "greedy" else ~greedy,
    )


def _read(rows: pl.LazyFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """Those columns; what an evaluation of an earlier version lacks is null."""
    there = rows.collect_schema()
    return rows.select(
        pl.col(name) if name in there else pl.lit(None, COLUMNS.get(name, pl.String())).alias(name)
        for name in names
    ).collect()
