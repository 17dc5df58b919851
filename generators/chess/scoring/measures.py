"""What answers and scores of the legal moves are worth beside the teacher's labels, a row a response."""

from __future__ import annotations

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from generators.chess.alphabet import ACTIONS
from generators.chess.ragged import flat, row_maxima, row_means, row_offsets
from generators.chess.scoring.labels import Floats, Labels
from generators.chess.scoring.ranks import published_tau, tau_b
from generators.chess.scoring.values import probability
from generators.words import UNKNOWN, codes

NEEDED = ("moves", "centipawns", "mates", "answer")


def measures(rollouts: pl.DataFrame, probabilistic: bool) -> pl.DataFrame:
    """The figures that the README defines, null where they do not apply; none where labels are missing.

    `rollouts` have `moves`, `centipawns`, `mates`, `answer` (one word, or what a student wrote instead) and
    perhaps `scores`, null or one a legal move. `probabilistic`: scores are values, not log probabilities.
    """
    if not set(NEEDED) <= set(rollouts.columns):
        return rollouts.select()
    if "scores" not in rollouts.columns:
        rollouts = rollouts.with_columns(scores=pl.lit(None, pl.List(pl.Float32)))
    rows = rollouts.with_row_index("row")
    labelled = rows.filter(pl.col("centipawns").is_not_null() & pl.col("mates").is_not_null())
    rated = labelled.filter(pl.col("scores").is_not_null())
    figures = rows.select("row")
    for told in (_of_answers(labelled), _of_scores(rated, probabilistic)):
        figures = figures.join(told, on="row", how="left", maintain_order="left")
    return figures.drop("row").with_columns(cs.float().fill_nan(None))


def answered(rollouts: pl.DataFrame) -> NDArray[np.int64]:
    """The place of each answer among all legal moves, flat; -1 where it is not one legal move."""
    given, starts = codes(rollouts["answer"], ACTIONS)
    single = np.diff(starts) == 1
    actions = np.full(len(rollouts), UNKNOWN)
    actions[single] = given[starts[:-1][single]]
    offsets = row_offsets(rollouts["moves"])
    moves = flat(rollouts["moves"], np.uint16)
    hits = np.flatnonzero(moves == np.repeat(actions, np.diff(offsets)))
    places = np.full(len(rollouts), -1, np.int64)
    places[np.searchsorted(offsets, hits, side="right") - 1] = hits
    return places


def _of_answers(labelled: pl.DataFrame) -> pl.DataFrame:
    labels, places = Labels.of(labelled), answered(labelled)
    legal = places >= 0

    def short_of_the_best(worth: Floats) -> Floats:
        return row_maxima(worth, labels.offsets) - worth[places]

    return labelled.select("row").with_columns(
        pl.Series("action accuracy", legal & (short_of_the_best(labels.tied) == 0)),
        pl.Series("strict accuracy", legal & (short_of_the_best(labels.strict) == 0)),
        pl.Series("legal", legal),
        pl.Series("regret", np.where(legal, short_of_the_best(labels.probabilities), np.nan)),
    )


def _of_scores(rated: pl.DataFrame, probabilistic: bool) -> pl.DataFrame:
    labels, scores = Labels.of(rated), flat(rated["scores"], np.float64)
    error = probability(scores) - labels.probabilities if probabilistic else np.full(len(scores), np.nan)
    return rated.select("row").with_columns(
        pl.Series("Kendall's tau-b", tau_b(scores, labels.strict, labels.offsets)),
        pl.Series("published tau", published_tau(scores, labels.probabilities, labels.offsets)),
        pl.Series("value error", row_means(np.abs(error), labels.offsets)),
        pl.Series("value bias", row_means(error, labels.offsets)),
    )
