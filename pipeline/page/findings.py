"""What an evaluation and the artifacts behind it say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import metrics, schema
from pipeline.answering import ROLLOUTS
from pipeline.asked import asked
from pipeline.files import Json
from pipeline.final import START, final
from pipeline.page.curves import Curve, read_curve
from pipeline.page.origin import Origin
from pipeline.rollouts import GREEDY

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
    "total_steps",
    "first_departure",
    "departure_reason",
    "answer_reason",
)
"""The columns of the rollouts that figures are made of; the words themselves stay on disk."""

ARMS = ("model", "teacher", "unchanged")


@dataclass(frozen=True)
class Checkpoint:
    """One of those that an evaluation has judged."""

    label: str
    """How the evaluation calls it."""
    arm: str
    round: int


@dataclass(frozen=True)
class Findings(Origin):
    """The results of a finished evaluation, of a recipe or of any checkpoints on any problems."""

    @property
    def evaluation(self) -> Json:
        """The manifest of `evaluate`, with its metrics and lengths."""
        return self.artifact.manifest

    @cached_property
    def rounds(self) -> list[Json]:
        """The lines of the bootstrap's table; none without one."""
        return list((self.manifest("bootstrap") or {"rounds": ()})["rounds"])

    @cached_property
    def entrants(self) -> list[Checkpoint]:
        """The judged checkpoints in order: the trained one, then every round of every arm."""
        rows = self.evaluation["metrics"]
        return list(
            dict.fromkeys(Checkpoint(str(row["label"]), str(row["arm"]), int(row["round"])) for row in rows)
        )

    @cached_property
    def arms(self) -> list[str]:
        """The arms of the bootstrap in a fixed order."""
        return [arm for arm in ARMS if any(each.arm == arm and each.round for each in self.entrants)]

    @property
    def last_round(self) -> int:
        """The number of the last round, 0 without a bootstrap."""
        return max(each.round for each in self.entrants)

    @cached_property
    def final(self) -> Checkpoint:
        """The checkpoint that the evaluation is about: the model arm's last, or the first one."""
        return self.entrants[final([each.arm for each in self.entrants])]

    @cached_property
    def heads(self) -> list[Checkpoint]:
        """Those that stand in a comparison with others: the final one, or all that are no arms."""
        return [self.final] if self.entrants[0].arm == START else self.entrants

    @cached_property
    def pictured(self) -> list[Checkpoint]:
        """Those whose single responses are shown: the start and the final one, or the first two."""
        if self.entrants[0].arm == START:
            return list(dict.fromkeys([self.entrants[0], self.final]))
        return self.entrants[:2]

    @cached_property
    def notation(self) -> str:
        """The notation of the final checkpoint."""
        encoded = self.manifest("encode")
        if encoded is not None:
            return str(encoded["notation"])
        told = self.evaluation.get("checkpoints", ())
        if told:
            return str(told[0]["notation"])
        scored = self.rated and self.domain.value_notations
        return (self.domain.value_notations if scored else self.domain.notations)[0]

    @cached_property
    def rated(self) -> bool:
        """Whether the checkpoints rate candidates in place of writing a response."""
        path = self.artifact.verified(ROLLOUTS)
        if "scores" not in schema.names(path):
            return False
        return pl.read_parquet(path, columns=["scores"], glob=False)["scores"].null_count() == 0

    def label(self, entrant: Checkpoint) -> str:
        """How tables and figures call a checkpoint."""
        return entrant.label if len(self.entrants) > 1 else "model"

    @cached_property
    def problems(self) -> pl.DataFrame | None:
        """The problems with the labels that answers are held against; None where nothing tells them."""
        return asked(self.artifact, self.domain, self.lineage.get("curate"))

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

    def metric(self, entrant: Checkpoint | str, name: str, rule: str, subset: str = "all") -> Json | None:
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
        return self.domain.headline

    def length(self, entrant: Checkpoint, rule: str = "greedy") -> Json | None:
        """The paired trace lengths of a checkpoint."""
        for row in self.evaluation["lengths"]:
            if (row["arm"], row["round"], row["rule"]) == (entrant.arm, entrant.round, rule):
                return dict(row)
        return None

    @cached_property
    def responses(self) -> pl.DataFrame:
        """The light columns of all responses."""
        path = self.artifact.verified(ROLLOUTS)
        kinds = {"verdict": pl.String, "level": pl.String, "arm": pl.String}
        return pl.read_parquet(path, columns=list(LIGHT), glob=False).with_columns(
            pl.col(name).cast(kind) for name, kind in kinds.items()
        )

    def greedy(self, entrant: Checkpoint) -> pl.DataFrame:
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
        return read_curve(self.lineage["train"].folder) if "train" in self.lineage else Curve([], [])

    def round_curves(self, arm: str) -> list[Curve]:
        """The losses of an arm's fine-tuning, round after round."""
        return [read_curve(self._round(each)) for each in self.rounds if each["arm"] == arm]

    def _round(self, line: Json) -> Path:
        folder: Path = self.lineage["bootstrap"].folder
        return folder / str(line["arm"]) / f"round-{line['round']}" / "checkpoint"
