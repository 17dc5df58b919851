"""What makes positions hard."""

from __future__ import annotations

import polars as pl

from generators.chess.positions.statistics import BALANCED, DECIDED
from generators.chess.scoring import values

PHASES = ("opening", "middlegame", "endgame")
FEW_OFFICERS = 6
"""Queens, rooks, bishops and knights of both sides: so many or fewer make an endgame."""
OPENING_PLIES = 24
"""Before so many half-moves a position that is no endgame is of the opening."""

OUTLOOKS = ("losing", "worse", "even", "better", "winning")
"""Of the side to move."""


def difficulties(problems: pl.DataFrame) -> pl.DataFrame:
    """`position class`, `legal moves`, `side to move` (how it stands), and `puzzle rating` if there are any.

    How the side to move stands is the win probability of the root search: losing up to 5 %, worse below
    40 %, even up to 60 %, better below 95 %. What a row does not tell is null.
    """
    missing = [pl.lit(None, kind).alias(name) for name, kind in _READ.items() if name not in problems.columns]
    known = problems.with_columns(missing)
    told = known.select(_phase(), _legal(), _outlook(known), pl.col("rating").alias("puzzle rating"))
    return told if told["puzzle rating"].count() else told.drop("puzzle rating")


_READ = {
    "fen": pl.String(),
    "ply": pl.UInt16(),
    "moves": pl.List(pl.UInt16()),
    "root_centipawns": pl.Int16(),
    "root_mate": pl.Int8(),
    "rating": pl.UInt16(),
}


def _phase() -> pl.Expr:
    officers = pl.col("fen").str.split(" ").list.first().str.count_matches("[QRBNqrbn]")
    place = (
        pl.when(officers <= FEW_OFFICERS)
        .then(pl.lit(PHASES[2]))
        .when(officers.is_not_null() & (pl.col("ply") < OPENING_PLIES))
        .then(pl.lit(PHASES[0]))
        .when(officers.is_not_null() & pl.col("ply").is_not_null())
        .then(pl.lit(PHASES[1]))
    )
    return place.cast(pl.Enum(PHASES)).alias("position class")


def _legal() -> pl.Expr:
    return pl.col("moves").list.len().alias("legal moves")


def _outlook(known: pl.DataFrame) -> pl.Series:
    """By the root search; null where it is not known."""
    told = known.select(pl.col("root_centipawns", "root_mate").cast(pl.Int64))
    centipawns, mates = (told[name].fill_null(0).to_numpy() for name in told.columns)
    win = pl.Series(values.values(centipawns, mates, 0), dtype=pl.Float64)
    seen = told["root_centipawns"].is_not_null() | told["root_mate"].is_not_null()
    losing, worse, even, better, winning = (pl.lit(name) for name in OUTLOOKS)
    place = (
        pl.when(~seen)
        .then(None)
        .when(win <= DECIDED)
        .then(losing)
        .when(win < BALANCED[0])
        .then(worse)
        .when(win <= BALANCED[1])
        .then(even)
        .when(win < 1 - DECIDED)
        .then(better)
        .otherwise(winning)
    )
    return pl.select(place.cast(pl.Enum(OUTLOOKS)).alias("side to move")).to_series()
