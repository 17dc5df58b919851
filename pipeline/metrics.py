"""What rollouts are worth: rates, SWC, ILR, trace faithfulness and lengths, each with its rule and interval.

Everything here is a pure function of a frame with one row a response. The definitions are those of
Searchformer (arXiv 2402.14083) where it has one. The 95 % intervals are clustered by `split_key`, because
problems that share a layout, a theory or a game succeed and fail together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from generators.domain import LEVELS, VERDICTS
from pipeline.intervals import Estimate, ratio

Rule = Literal["greedy", "mean of k", "any of k"]

COLUMNS: Mapping[str, pl.DataType] = {
    "problem_id": pl.String(),
    "split_key": pl.String(),
    "sample": pl.Int32(),
    "verdict": pl.Enum(VERDICTS),
    "level": pl.Enum(LEVELS),
    "faithful_steps": pl.Float64(),
    "total_steps": pl.Float64(),
    "trace_words": pl.Float64(),
    "answer_cost": pl.Float64(),
    "cost": pl.Float64(),
    "reference_words": pl.Float64(),
    "exact_match": pl.Boolean(),
}
"""What is read of a frame of rollouts; a column that is missing counts as all null."""

TABLE: Mapping[str, pl.DataType] = {
    "metric": pl.String(),
    "rule": pl.String(),
    "value": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "n": pl.Int64(),  # problems that the value rests on
    "clusters": pl.Int64(),
    "note": pl.String(),
    "own": pl.Enum(("share", "number")),  # how to read a figure of the domain's own; null for the others
}
"""The columns of `table`."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric as a ratio of two sums over problems.

    `top` and `bottom` turn the responses to one problem into its two terms. A problem with a null term or
    nothing in `bottom` does not count. A `bounded` metric lies in [0, 1].
    """

    name: str
    top: pl.Expr
    bottom: pl.Expr = pl.lit(1.0)
    bounded: bool = True
    note: str


def _mean_over_optimum(correct: pl.Expr) -> pl.Expr:
    """t* / t of Searchformer's ILR: the teacher's mean trace length over that of the responses that count.

    An empty trace is taken as one word, which keeps the ratio finite.
    """
    length = pl.col("trace_words").filter(correct).mean().clip(lower_bound=1.0)
    reference = pl.col("reference_words").first()
    failed = pl.when(reference.is_not_null()).then(0.0)
    return pl.when(correct.any()).then(reference / length).otherwise(failed)


def _swc() -> pl.Expr:
    """l* / max(l, l*) of the shortest correct plan, 0 where none is correct; a plan of no step is worth 1."""
    cost = pl.col("cost").first()
    longest = pl.max_horizontal(pl.col("answer_cost").filter(CORRECT).min(), cost)
    worth = pl.when(longest == 0).then(1.0).otherwise(cost / longest)
    known = pl.col("answer_cost").filter(CORRECT).min().is_not_null()
    failed = pl.when(cost.is_not_null()).then(0.0)
    return pl.when(CORRECT.any()).then(pl.when(known).then(worth)).otherwise(failed)


def _at_least(level: str) -> pl.Expr:
    return pl.col("level").to_physical() >= LEVELS.index(level)


CORRECT = pl.col("verdict").is_in(("valid", "optimal"))
OPTIMAL = pl.col("verdict") == "optimal"
_REPLAYED = pl.col("level").count()

RATES = (
    Metric(name="solved", top=CORRECT.mean(), note="share of responses with a correct answer"),
    Metric(name="optimal", top=OPTIMAL.mean(), note="share of responses with an answer of optimal cost"),
    Metric(
        name="malformed",
        top=(pl.col("verdict") == "malformed").mean(),
        note="share of responses outside the grammar or without an end",
    ),
    Metric(
        name="exact-match",
        top=pl.col("exact_match").mean(),
        note="share of responses equal to the stored one, word for word",
    ),
)
TRACES = (
    Metric(
        name="trace-legal",
        top=_at_least("legal").sum(),
        bottom=_REPLAYED,
        note="share of whole traces in which every step is allowed",
    ),
    Metric(
        name="trace-sound",
        top=_at_least("sound").sum(),
        bottom=_REPLAYED,
        note="share of whole traces that are legal and from which the answer follows",
    ),
    Metric(
        name="trace-exact",
        top=_at_least("exact").sum(),
        bottom=_REPLAYED,
        note="share of whole traces that are what the teacher's algorithm does",
    ),
    Metric(
        name="optimal-and-sound",
        top=(OPTIMAL & _at_least("sound")).sum(),
        bottom=_REPLAYED,
        note="share of replayable responses with an optimal answer and a sound trace",
    ),
    Metric(
        name="step-faithfulness",
        top=pl.col("faithful_steps").sum(),
        bottom=pl.col("total_steps").sum(),
        note="steps before the first departure over all steps, pooled over the responses",
    ),
    Metric(
        name="trace-words",
        top=pl.col("trace_words").mean(),
        bounded=False,
        note="mean trace length in words of the stored form, all responses",
    ),
)
BEST = (
    Metric(
        name="SWC",
        top=_swc(),
        note="optimal cost over the cost of the shortest correct answer; failures add 0",
    ),
    Metric(
        name="ILR-on-solved",
        top=_mean_over_optimum(CORRECT),
        bounded=False,
        note="teacher's mean trace length over the mean length of the correct responses; failures add 0",
    ),
    Metric(
        name="ILR-on-optimal",
        top=_mean_over_optimum(OPTIMAL),
        bounded=False,
        note="teacher's mean trace length over the mean length of the optimal responses; failures add 0",
    ),
    Metric(
        name="trace-words-on-optimal",
        top=pl.col("trace_words").filter(OPTIMAL).mean(),
        bounded=False,
        note="mean length of a problem's optimal responses, over the problems that have one",
    ),
    Metric(
        name="relative-length",
        top=pl.col("trace_words").filter(OPTIMAL).mean(),
        bottom=pl.when(pl.col("trace_words").filter(OPTIMAL).count() > 0).then(
            pl.col("reference_words").first()
        ),
        bounded=False,
        note="ratio of mean trace lengths, model to teacher, over the problems answered optimally",
    ),
)
ANY = (
    Metric(
        name="any-optimal-k", top=OPTIMAL.any(), note="share of problems with an optimal response among k"
    ),
    Metric(name="solved-k", top=CORRECT.any(), note="share of problems with a correct response among k"),
)

METRICS: Mapping[Rule, Sequence[Metric]] = {
    "greedy": (*RATES, *BEST[:3], *TRACES, *BEST[3:]),
    "mean of k": (*RATES, *TRACES),
    "any of k": (*ANY, *BEST),
}
"""Which metrics a rule gives: `greedy` reads one response a problem, the others the same k samples."""


def table(rollouts: pl.DataFrame, rule: Rule, k: int) -> pl.DataFrame:
    """Every metric of a rule over the first `k` samples of each problem, with the columns of `TABLE`.

    `rollouts` holds the responses of one checkpoint under one rule (`sample` -1 is a greedy one). The rule
    stands in the table with its k, as `mean of 8`. A metric without data (no trace view, no costs) has a
    null value and n = 0.
    """
    measured = estimates(rollouts.filter(pl.col("sample") < k), METRICS[rule])
    named = rule.replace("k", str(k)) if rule != "greedy" else rule
    rows = [
        {"metric": metric.name, "rule": named, **estimate, "note": metric.note}
        for metric, estimate in zip(METRICS[rule], measured, strict=True)
    ]
    return pl.DataFrame(rows, schema=dict(TABLE))


def means(rollouts: pl.DataFrame, figures: pl.DataFrame, rule: str) -> pl.DataFrame:
    """The mean of each column of `figures` (a row a response) over the responses that have it, as `table`.

    The mean of a Boolean column is a share: its interval stays between 0 and 1.
    """
    rows = []
    for name in figures.columns:
        frame = rollouts.select("split_key", "problem_id").with_columns(value=figures[name].cast(pl.Float64))
        sums = frame.sort("split_key", "problem_id").group_by("split_key", "problem_id", maintain_order=True)
        of = sums.agg(top=pl.col("value").sum(), bottom=pl.col("value").count().cast(pl.Float64))
        share = figures[name].dtype == pl.Boolean
        estimate = ratio(of["top"], of["bottom"], of["split_key"], bounded=share)
        own = "share" if share else "number"
        rows.append({"metric": name, "rule": rule, **estimate, "note": "the domain's own", "own": own})
    return pl.DataFrame(rows, schema=dict(TABLE))


def estimates(rollouts: pl.DataFrame, metrics: Sequence[Metric]) -> list[Estimate]:
    """Each metric over all responses of a frame, in the order of `metrics`."""
    problems = terms(rollouts, metrics)
    return [
        ratio(problems[f"top {at}"], problems[f"bottom {at}"], problems["split_key"], bounded=metric.bounded)
        for at, metric in enumerate(metrics)
    ]


def terms(rollouts: pl.DataFrame, metrics: Sequence[Metric]) -> pl.DataFrame:
    """`split_key`, `problem_id`, and `top` and `bottom` of each metric by its place: a row a problem."""
    wanted: list[pl.Expr] = []
    for at, metric in enumerate(metrics):
        wanted += [
            metric.top.cast(pl.Float64).alias(f"top {at}"),
            metric.bottom.cast(pl.Float64).alias(f"bottom {at}"),
        ]
    # Sorted, so that sums of floats are the same to the last bit whatever the order of the rows.
    ordered = _complete(rollouts).sort("split_key", "problem_id", "sample")
    return ordered.group_by("split_key", "problem_id", maintain_order=True).agg(wanted)


def paired_ratio(before: pl.DataFrame, after: pl.DataFrame) -> Estimate:
    """Trace length in `after` over that in `before`, over the problems solved optimally in both.

    Searchformer's relative length: a ratio of means, below 1 where `after` is shorter. Both frames have
    `problem_id`, `split_key` and `trace_words`, and `verdict` unless they hold optimal responses alone;
    several responses to a problem count by their mean.
    """
    both = _optimal_lengths(before).join(
        _optimal_lengths(after), on=["split_key", "problem_id"], suffix="_after"
    )
    both = both.sort("split_key", "problem_id")
    return ratio(both["trace_words_after"], both["trace_words"], both["split_key"], bounded=False)


def optimal_in_all(rollouts: Iterable[pl.DataFrame]) -> pl.Series:
    """The ids of the problems that every one of the frames answers optimally, sorted."""
    kept: set[str] | None = None
    for frame in rollouts:
        optimal = set(frame.filter(OPTIMAL)["problem_id"])
        kept = optimal if kept is None else kept & optimal
    return pl.Series("problem_id", sorted(kept or ()), pl.String)


def _complete(rollouts: pl.DataFrame) -> pl.DataFrame:
    """The columns of `COLUMNS` alone, typed; lengths are null where no response has a trace at all."""
    given = [
        pl.col(name).cast(kind) if name in rollouts.columns else pl.lit(None, kind).alias(name)
        for name, kind in COLUMNS.items()
    ]
    frame = rollouts.select(given)
    if (frame["trace_words"].sum() or 0) == 0:
        frame = frame.with_columns(
            pl.lit(None, pl.Float64).alias(name) for name in ("trace_words", "reference_words")
        )
    return frame


def _optimal_lengths(rollouts: pl.DataFrame) -> pl.DataFrame:
    """`split_key`, `problem_id` and the mean `trace_words` of each problem's optimal responses."""
    optimal = rollouts.filter(OPTIMAL) if "verdict" in rollouts.columns else rollouts
    ordered = optimal.sort("split_key", "problem_id", "trace_words")
    return ordered.group_by("split_key", "problem_id").agg(pl.col("trace_words").cast(pl.Float64).mean())
