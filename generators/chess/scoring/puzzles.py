"""The share of puzzles that are solved, by rating."""

from __future__ import annotations

import math

import chess
import numpy as np
import polars as pl

from generators.chess.alphabet import ACTIONS
from generators.chess.ragged import flat
from generators.chess.scoring.measures import answered

WIDTH = 200
"""Of a bin of ratings, as in the figures of arXiv 2402.04494."""
QUANTILE = 1.959963984540054
"""Of the normal distribution, for 95 %."""
SCHEMA = {
    "rating": pl.String(),
    "puzzles": pl.Int64(),
    "solved": pl.Int64(),
    "share": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}


def puzzles(rollouts: pl.DataFrame) -> pl.DataFrame:
    """Puzzles by rating and over all, with the share that is solved and its Wilson interval of 95 %.

    `rollouts` are those of `solved`. Puzzles without a rating are a bin of their own.
    """
    verdicts = solved(rollouts).with_columns(bin=pl.col("rating") // WIDTH)
    rows = [
        _row("unrated" if bin is None else f"{WIDTH * bin}-{WIDTH * bin + WIDTH - 1}", verdicts_of["solved"])
        for (bin,), verdicts_of in verdicts.sort("bin", nulls_last=True).group_by("bin", maintain_order=True)
    ]
    if rows:
        rows.append(_row("all", verdicts["solved"]))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def solved(rollouts: pl.DataFrame) -> pl.DataFrame:
    """`puzzle`, its `rating`, and whether it is `solved`: up to the first other move, which must be mate.

    `rollouts` have `puzzle`, `ply`, `rating`, `solution`, `fen`, `moves` and `answer`. Rows of one puzzle are
    its positions, each answered on its own; rows without a puzzle do not count. A mate that is no solution
    ends a puzzle, as on Lichess and in searchless_chess (`puzzles.py`); later answers do not matter.
    """
    asked = rollouts.filter(pl.col("puzzle").is_not_null())
    places = answered(asked)
    actions = np.where(places >= 0, flat(asked["moves"], np.int64)[places], -1)
    foreign = pl.Series(actions) != asked["solution"].cast(pl.Int64)
    # The first foreign move of a puzzle decides; where there is none, the last move is the solution's too.
    told = asked.select("puzzle", "ply", "rating", "fen").with_columns(action=actions, foreign=foreign)
    order = told.sort("puzzle", pl.col("foreign").not_(), "ply")
    deciding = order.unique("puzzle", keep="first", maintain_order=True)
    mates = [_mates(fen, action) for fen, action in deciding.select("fen", "action").iter_rows()]
    return deciding.select("puzzle", "rating", solved=~pl.col("foreign") | pl.Series(mates, dtype=pl.Boolean))


def wilson(solved: int, tried: int) -> tuple[float, float]:
    """The score interval of a share at 95 % (Wilson 1927)."""
    share, spread = solved / tried, QUANTILE**2 / tried
    centre = share + spread / 2
    half = QUANTILE * math.sqrt(share * (1 - share) / tried + spread / (4 * tried))
    return max((centre - half) / (1 + spread), 0.0), min((centre + half) / (1 + spread), 1.0)


def _row(name: str, verdicts: pl.Series) -> tuple[str, int, int, float, float, float]:
    count = int(verdicts.sum())
    return name, len(verdicts), count, count / len(verdicts), *wilson(count, len(verdicts))


def _mates(fen: str, action: int) -> bool:
    if action < 0:
        return False
    board = chess.Board(fen)
    board.push_uci(ACTIONS[action])
    return board.is_checkmate()
