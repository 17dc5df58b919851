"""What the artifacts of one recipe say: the report's only reader of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import metrics
from pipeline.artifact import Json
from pipeline.page.curves import Curve, read_curve
from pipeline.rollouts import GREEDY
from pipeline.stage import Job
from pipeline.stages.evaluate import ROLLOUTS, START, Entrant

LIGHT = (
    "arm",
    "round",
    "sample",
    "problem_id",
    "split_key",
    "verdict",
    "level",
    "trace_words",
    "teacher_words",
    "departure_reason",
    "answer_reason",
)
"""The columns of the rollouts that figures are made of; the words themselves stay on disk."""

ARMS = ("model", "teacher", "unchanged")


@dataclass(frozen=True)
class Findings:
    """One recipe's results; `job` is its finished evaluation."""

    name: str
    job: Job

    @cached_property
    def lineage(self) -> dict[str, Job]:
        """Every job behind the results by its stage, from the first one on."""
        found: dict[str, Job] = {}

        def walk(job: Job) -> None:
            for each in job.inputs:
                walk(each)
            found.setdefault(job.stage.name, job)

        walk(self.job)
        return found

    def manifest(self, stage: str) -> Json:
        """The manifest of a stage that this recipe has run."""
        return self.lineage[stage].artifact.manifest

    @cached_property
    def evaluation(self) -> Json:
        """The manifest of `evaluate`, with its metrics and lengths."""
        return self.job.artifact.manifest

    @cached_property
    def rounds(self) -> list[Json]:
        """The lines of the bootstrap's table; none without one."""
        return list(self.manifest("bootstrap")["rounds"]) if "bootstrap" in self.lineage else []

    @cached_property
    def entrants(self) -> list[Entrant]:
        """The judged checkpoints in order: the trained one, then every round of every arm."""
        training = self.lineage["train"].artifact.folder
        return [
            Entrant(START, 0, training / "last"),
            *[Entrant(each["arm"], each["round"], self._round(each) / "last") for each in self.rounds],
        ]

    @cached_property
    def arms(self) -> list[str]:
        """The arms of the bootstrap in a fixed order."""
        return [arm for arm in ARMS if any(each["arm"] == arm for each in self.rounds)]

    @property
    def last_round(self) -> int:
        """The number of the last round, 0 without a bootstrap."""
        return max((each["round"] for each in self.rounds), default=0)

    @cached_property
    def final(self) -> Entrant:
        """The checkpoint that the recipe is about: the model arm's last, or the trained one."""
        own = [each for each in self.entrants if each.arm == "model"]
        return own[-1] if own else self.entrants[0]

    def label(self, entrant: Entrant) -> str:
        """How tables and figures call a checkpoint."""
        return entrant.label if self.rounds else "model"

    @cached_property
    def metrics(self) -> list[Json]:
        """Every judged metric."""
        return list(self.evaluation["metrics"])

    @cached_property
    def rivals(self) -> dict[str, list[Json]]:
        """The metrics of those with whom checkpoints are compared, by name."""
        found: dict[str, list[Json]] = {}
        for row in self.evaluation.get("rivals", ()):
            found.setdefault(row["label"], []).append(row)
        return found

    def metric(self, entrant: Entrant | str, name: str, rule: str, subset: str = "all") -> Json | None:
        """One metric of a checkpoint or of a rival; `rule` may leave out its k, as in `any of`.

        None without data.
        """
        if isinstance(entrant, str):
            rows = self.rivals[entrant]
        else:
            place = (entrant.arm, entrant.round)
            rows = [row for row in self.metrics if (row["arm"], row["round"]) == place]
        for row in rows:
            same = row["metric"] == name and row["subset"] == subset and row["rule"].startswith(rule)
            if same and row["value"] is not None:
                return row
        return None

    @property
    def headline(self) -> tuple[str, ...]:
        """The domain's own measures that come first."""
        return self.job.recipe.domain.headline

    def length(self, entrant: Entrant, rule: str = "greedy") -> Json | None:
        """The paired trace lengths of a checkpoint."""
        for row in self.evaluation["lengths"]:
            if (row["arm"], row["round"], row["rule"]) == (entrant.arm, entrant.round, rule):
                return dict(row)
        return None

    @cached_property
    def responses(self) -> pl.DataFrame:
        """The light columns of all responses."""
        path = self.job.artifact.verified(ROLLOUTS)
        kinds = {"verdict": pl.String, "level": pl.String, "arm": pl.String}
        return pl.read_parquet(path, columns=list(LIGHT)).with_columns(
            pl.col(name).cast(kind) for name, kind in kinds.items()
        )

    def greedy(self, entrant: Entrant) -> pl.DataFrame:
        """A checkpoint's greedy responses."""
        own = (pl.col("arm") == entrant.arm) & (pl.col("round") == entrant.round)
        return self.responses.filter(own, pl.col("sample") == GREEDY)

    @cached_property
    def has_traces(self) -> bool:
        """Whether the responses have traces that can be replayed."""
        return self.responses["level"].null_count() < len(self.responses)

    def against_teacher(self, number: int) -> Mapping[str, Any] | None:
        """The model arm's trace length over the teacher arm's, where all checkpoints are optimal."""
        pair = {each.arm: self.greedy(each) for each in self.entrants if each.round == number}
        if number == 0 or not {"model", "teacher"} <= set(pair):
            return None
        shared = metrics.optimal_in_all(self.greedy(each) for each in self.entrants).implode()
        kept = {arm: frame.filter(pl.col("problem_id").is_in(shared)) for arm, frame in pair.items()}
        ratio = metrics.paired_ratio(kept["teacher"], kept["model"])
        return ratio if ratio["value"] is not None else None

    @cached_property
    def curve(self) -> Curve:
        """The losses of the training."""
        return read_curve(self.lineage["train"].artifact.folder)

    def round_curves(self, arm: str) -> list[Curve]:
        """The losses of an arm's fine-tuning, round after round."""
        return [read_curve(self._round(each)) for each in self.rounds if each["arm"] == arm]

    def _round(self, line: Json) -> Path:
        folder: Path = self.lineage["bootstrap"].artifact.folder
        return folder / str(line["arm"]) / f"round-{line['round']}" / "checkpoint"
