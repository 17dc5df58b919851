"""What answers and scores of the legal moves are worth beside the teacher's labels, a row a response."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.chess.alphabet import ACTIONS
from generators.chess.scoring.labels import Floats, Labels
from generators.chess.scoring.ragged import flat, row_maxima, row_means, row_offsets
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
    labels = Labels.of(rollouts)
    figures = _of_answers(labels, answered(rollouts), labels.offsets)
    if "scores" not in rollouts.columns:
        rollouts = rollouts.with_columns(scores=pl.lit(None, pl.List(pl.Float32)))
    scored = rollouts["scores"].is_not_null().to_numpy()
    for name, found in _of_scores(rollouts.filter(scored), probabilistic).items():
        whole = np.full(len(rollouts), np.nan)
        whole[scored] = found
        figures[name] = pl.Series(whole).fill_nan(None)
    return pl.DataFrame(figures)


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


def _of_answers(
    labels: Labels, places: NDArray[np.int64], offsets: NDArray[np.int64]
) -> dict[str, pl.Series]:
    legal = places >= 0

    def short_of_the_best(worth: Floats) -> Floats:
        return row_maxima(worth, offsets) - worth[places]

    regret = np.where(legal, short_of_the_best(labels.probabilities), np.nan)
    return {
        "action accuracy": pl.Series(legal & (short_of_the_best(labels.tied) == 0)),
        "strict accuracy": pl.Series(legal & (short_of_the_best(labels.strict) == 0)),
        "legal": pl.Series(legal),
        "regret": pl.Series(regret).fill_nan(None),
    }


def _of_scores(rated: pl.DataFrame, probabilistic: bool) -> Mapping[str, Floats]:
    labels = Labels.of(rated)
    scores = flat(rated["scores"], np.float64)
    error = probability(scores) - labels.probabilities if probabilistic else np.full(len(scores), np.nan)
    return {
        "Kendall's tau-b": tau_b(scores, labels.strict, labels.offsets),
        "published tau": published_tau(scores, labels.probabilities, labels.offsets),
        "value error": row_means(np.abs(error), labels.offsets),
        "value bias": row_means(error, labels.offsets),
    }
