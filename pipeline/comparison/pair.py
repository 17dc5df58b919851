"""Two sides over the problems that both were asked: metrics, paired differences, agreement."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import polars as pl

from pipeline import metrics
from pipeline.comparison.side import Side
from pipeline.errors import Refusal
from pipeline.intervals import Estimate, difference, ratio
from pipeline.metrics import Metric

Success = Literal["optimal", "solved"]

SUCCESSES: dict[Success, pl.Expr] = {"optimal": metrics.OPTIMAL, "solved": metrics.CORRECT}
"""When a response counts as a success, by the name of its metric."""

SHOWN = (
    "solved",
    "optimal",
    "any-optimal-k",
    "malformed",
    "exact-match",
    "SWC",
    "ILR-on-optimal",
    "trace-legal",
    "trace-sound",
    "trace-exact",
    "step-faithfulness",
)
"""The metrics that are compared, in this order; trace lengths are compared as a paired ratio."""


@dataclass(frozen=True)
class Line:
    """A metric of both sides and the second minus the first; `own` as in the table of metrics."""

    metric: str
    note: str
    own: str | None
    first: Estimate
    second: Estimate
    difference: Estimate


@dataclass(frozen=True)
class Agreement:
    """How many problems both sides, one or neither has a success on; McNemar's exact test of the two."""

    both: int
    first: int
    second: int
    neither: int

    @property
    def p(self) -> float:
        """Two-sided: how often a fair coin splits the problems of one side alone at least so unevenly.

        The exact form of McNemar (Psychometrika 12, 1947); it takes problems as independent of each other.
        """
        trials, fewer = self.first + self.second, min(self.first, self.second)
        ways = sum(math.comb(trials, hits) for hits in range(fewer + 1))
        return float(min(2 * ways / 2**trials, 1.0))


@dataclass(frozen=True)
class Pair:
    """Two sides of one domain; everything here is over the problems that both were asked."""

    first: Side
    second: Side

    @cached_property
    def samples(self) -> int:
        """How many responses to a problem count: as many as the side with fewer of them has."""
        if self.first.rule == "greedy":
            return 1
        return 1 + min(int(side.answers["sample"].max()) for side in self.sides)  # type: ignore[arg-type]

    @property
    def sides(self) -> tuple[Side, Side]:
        """The first and the second."""
        return self.first, self.second

    @cached_property
    def shared(self) -> pl.DataFrame:
        """`problem_id` and `split_key` of the problems of both; raises Refusal where there are none.

        Two data sets may name the same problem's group differently; the smaller name then stands for both.
        """
        asked = [
            side.answers.select("problem_id", "split_key").unique("problem_id", keep="first")
            for side in self.sides
        ]
        both = asked[0].join(asked[1], on="problem_id", suffix="_other").sort("problem_id")
        if both.is_empty():
            raise Refusal(
                f"{self.first.folder} and {self.second.folder} share no problem: of {len(asked[0]):,} and"
                f" {len(asked[1]):,} problems none is the same, so that there is nothing to compare"
            )
        return both.select("problem_id", split_key=pl.min_horizontal("split_key", "split_key_other"))

    @cached_property
    def answers(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Both sides' answers to the shared problems, with the shared group of each."""
        first, second = (
            side.answers.filter(pl.col("sample") < self.samples)
            .drop("split_key")
            .join(self.shared, on="problem_id")
            .sort("problem_id", "sample")
            for side in self.sides
        )
        return first, second

    @cached_property
    def lines(self) -> list[Line]:
        """The common metrics that have data on both sides, then the domain's own measures."""
        rules: tuple[metrics.Rule, ...]
        rules = ("greedy",) if self.first.rule == "greedy" else ("mean of k", "any of k")
        known = [metric for rule in rules for metric in metrics.METRICS[rule]]
        wanted = sorted(
            (each for each in known if each.name in SHOWN), key=lambda each: SHOWN.index(each.name)
        )
        first, second = (metrics.terms(frame, wanted).sort("problem_id") for frame in self.answers)
        made = [_line(each, _side(first, at), _side(second, at)) for at, each in enumerate(wanted)]
        return [line for line in (*made, *self._own()) if line.difference["n"]]

    def line(self, metric: str) -> Line:
        """The line of a metric."""
        return next(each for each in self.lines if each.metric == metric)

    @cached_property
    def own_missing(self) -> list[Side]:
        """The sides whose own measures cannot be told any more."""
        if self.first.rule != "greedy":
            return []
        return [side for side, figures in zip(self.sides, self._figures, strict=True) if figures is None]

    @cached_property
    def lengths(self) -> tuple[Estimate, Estimate, Estimate] | None:
        """Mean trace words of both sides and their ratio, where both are optimal; None without traces."""
        first, second = (frame.filter(metrics.OPTIMAL, pl.col("trace_words") > 0) for frame in self.answers)
        shorter = metrics.paired_ratio(first, second)
        if not shorter["n"]:
            return None
        both = metrics.optimal_in_all((first, second)).implode()
        words = next(each for each in metrics.BEST if each.name == "trace-words-on-optimal")
        means = [
            metrics.estimates(frame.filter(pl.col("problem_id").is_in(both)), [words])[0]
            for frame in (first, second)
        ]
        return means[0], means[1], shorter

    def agreement(self, success: Success) -> Agreement:
        """Whose successes fall on the same problems; of several samples any one counts."""
        first, second = (self._successes(frame, success) for frame in self.answers)
        return Agreement(
            both=int((first & second).sum()),
            first=int((first & ~second).sum()),
            second=int((second & ~first).sum()),
            neither=int((~first & ~second).sum()),
        )

    def alone(self, success: Success) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The problems on which one side alone has a success, the first side's and the second's.

        Beside `problem_id` each side's `verdict`, `words` and `reason`, with the suffixes `_a` and `_b`.
        """
        first, second = (self._successes(frame, success) for frame in self.answers)
        told = self.shared.select("problem_id")
        for suffix, frame in zip(("_a", "_b"), self.answers, strict=True):
            about = _told(frame, success).select("problem_id", pl.exclude("problem_id").name.suffix(suffix))
            told = told.join(about, on="problem_id", how="left", maintain_order="left")
        return told.filter(first & ~second), told.filter(second & ~first)

    def _successes(self, frame: pl.DataFrame, success: Success) -> pl.Series:
        hits = frame.group_by("problem_id").agg(hit=SUCCESSES[success].any()).sort("problem_id")
        return hits["hit"].fill_null(value=False)

    @cached_property
    def _figures(self) -> list[pl.DataFrame | None]:
        return [side.measured() for side in self.sides]

    def _own(self) -> list[Line]:
        first, second = self._figures
        if first is None or second is None:
            return []
        names = [name for name in first.columns if name in second.columns and name not in self.shared.columns]
        made = []
        for name in names:
            share = first[name].dtype == pl.Boolean and second[name].dtype == pl.Boolean
            top = pl.col(name).cast(pl.Float64).sum()
            metric = Metric(
                name=name, top=top, bottom=pl.col(name).count(), bounded=share, note="the domain's own"
            )
            own = "share" if share else "number"
            made.append(_line(metric, self._aligned(first, metric), self._aligned(second, metric), own))
        return made

    def _aligned(self, figures: pl.DataFrame, metric: Metric) -> pl.DataFrame:
        """A row a shared problem, in their order."""
        grouped = figures.group_by("problem_id").agg(top=metric.top, bottom=metric.bottom.cast(pl.Float64))
        return self.shared.join(grouped, on="problem_id", how="left", maintain_order="left")


def _side(table: pl.DataFrame, at: int) -> pl.DataFrame:
    return table.select("split_key", top=f"top {at}", bottom=f"bottom {at}")


def _line(metric: Metric, first: pl.DataFrame, second: pl.DataFrame, own: str | None = None) -> Line:
    """Everything over the problems for which both sides have a value."""
    known = pl.all_horizontal(pl.col("top").is_not_null(), pl.col("bottom") > 0)
    counts = first.select(known).to_series() & second.select(known).to_series()
    first, second = (table.filter(counts) for table in (first, second))
    told = [
        ratio(table["top"], table["bottom"], table["split_key"], bounded=metric.bounded)
        for table in (first, second)
    ]
    between = difference(first, second, first["split_key"], bounded=metric.bounded)
    return Line(metric.name, metric.note, own, told[0], told[1], between)


def _told(frame: pl.DataFrame, success: Success) -> pl.DataFrame:
    """A row a problem: the verdict (of several samples how many are successes), words and the reason."""
    hits = SUCCESSES[success]
    verdict = pl.col("verdict").first()
    counted = pl.concat_str(hits.sum(), pl.lit(" of "), pl.len(), pl.lit(f" {success}"))
    why = pl.coalesce("answer_reason", "departure_reason").drop_nulls().first()
    return frame.group_by("problem_id").agg(
        verdict=pl.when(pl.len() == 1).then(verdict).otherwise(counted),
        words=pl.col("trace_words").mean(),
        reason=why,
    )
