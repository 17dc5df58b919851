"""Which responses of an evaluation a page shows: the telling ones first, the same ones each time."""

from __future__ import annotations

import polars as pl

from pipeline.final import final
from pipeline.rollouts import GREEDY

SHARES = (0.7, 0.15, 0.15)
"""Of greedy responses of the first and the final checkpoint, of the other checkpoints, and of samples."""

CHECKPOINT = pl.when(pl.col("round") == 0).then("arm").otherwise(pl.format("{} {}", "arm", "round"))
"""How a reader calls a checkpoint."""
OUTCOME = pl.concat_str("verdict", pl.lit(" "), pl.col("level").fill_null("")).alias("outcome")


def ordered(rollouts: pl.DataFrame) -> pl.DataFrame:
    """All rows, so that the first ones tell most, however many are taken.

    One of each outcome comes first. Then each of the three kinds of `SHARES` has its share of any beginning,
    as far as it reaches; its rows follow the order of the problems, in which the outcomes of the final
    checkpoint take turns, so that rare ones are there.
    """
    judged = rollouts.with_row_index("order").with_columns(OUTCOME, checkpoint=CHECKPOINT)
    made = judged.select("arm", "checkpoint").unique(maintain_order=True)
    ends = [made["checkpoint"][0], made["checkpoint"][final(made["arm"].to_list())]]
    greedy = pl.col("sample") == GREEDY
    kind = pl.when(greedy & pl.col("checkpoint").is_in(ends)).then(0).when(greedy).then(1).otherwise(2)
    placed = judged.with_columns(kind=kind).join(_problems(judged, ends[1]), on="problem_id")
    # Samples go round the problems, one of each; greedy responses of a problem stand together.
    turn = pl.when(greedy).then(GREEDY).otherwise("sample")
    by_kind = placed.sort("kind", turn, "problem", "order").with_columns(
        nth=pl.int_range(pl.len()).over("kind"), first=pl.int_range(pl.len()).over("outcome") == 0
    )
    share = pl.col("kind").replace_strict(dict(enumerate(SHARES)), return_dtype=pl.Float64)
    place = pl.when("first").then(-1.0).otherwise(pl.col("nth") / share)
    return by_kind.sort(place, "kind", "nth").select(rollouts.columns)


def _problems(judged: pl.DataFrame, last: str) -> pl.DataFrame:
    """The place of each problem among all: outcomes of the checkpoint's first answers take turns."""
    known = judged.sort(pl.col("checkpoint") != last, "sample", "order").unique(
        "problem_id", keep="first", maintain_order=True
    )
    turns = known.sort("order").with_columns(turn=pl.int_range(pl.len()).over("outcome"))
    return turns.sort("turn", "order").select("problem_id", problem=pl.int_range(pl.len()))
