"""Whether predicted win probabilities are what they say: a reliability table over all legal moves."""

from __future__ import annotations

import numpy as np
import polars as pl

from generators.chess.ragged import flat
from generators.chess.scoring.labels import Labels
from generators.chess.scoring.values import probability

NEEDED = ("centipawns", "mates", "scores")
BINS = 10
SCHEMA = {
    "bin": pl.String(),
    "moves": pl.Int64(),
    "predicted": pl.Float64(),
    "actual": pl.Float64(),
    "gap": pl.Float64(),
}


def reliability(rollouts: pl.DataFrame) -> pl.DataFrame:
    """Legal moves by predicted win probability: number, mean prediction, mean label, and the gap between.

    `rollouts` have `centipawns`, `mates` and `scores` that are values; rows without them do not count.
    The last row has all moves; its gap is the mean of the bins' over the moves, the expected calibration
    error (arXiv 1706.04599, equation 5). No rows where there are no scores.
    """
    if not set(NEEDED) <= set(rollouts.columns):
        return pl.DataFrame(schema=SCHEMA)
    rated = rollouts.filter(pl.col(name).is_not_null() for name in NEEDED)
    predicted = np.asarray(probability(flat(rated["scores"], np.float64)), np.float64)
    # The last bin has its upper edge.
    bins = np.minimum((predicted * BINS).astype(np.int64), BINS - 1)
    moves = pl.DataFrame({"place": bins, "predicted": predicted, "actual": Labels.of(rated).probabilities})
    if moves.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    means = pl.col("predicted").mean(), pl.col("actual").mean()
    gap = (pl.col("predicted") - pl.col("actual")).abs()
    table = moves.group_by("place").agg(*means, moves=pl.len()).sort("place").with_columns(gap=gap)
    named = table.with_columns(pl.Series("bin", [_range(place) for place in table["place"]]))
    expected = (pl.col("gap") * pl.col("moves")).sum() / len(moves)
    whole = moves.select(*means, moves=pl.len(), bin=pl.lit("all")).with_columns(table.select(expected))
    typed = [pl.col(name).cast(kind) for name, kind in SCHEMA.items()]
    return pl.concat([named.select(typed), whole.select(typed)])


def _range(place: int) -> str:
    return f"{place / BINS:.1f}-{(place + 1) / BINS:.1f}"
