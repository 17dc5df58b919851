"""Those beside whom students are judged: a random mover, a shallow Stockfish and the teacher itself."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.chess.alphabet import ACTIONS
from generators.chess.ragged import first_maxima, flat, lists, row_offsets
from generators.chess.scoring.labels import Labels
from generators.chess.stockfish.choices import choices
from generators.words import words

FURTHEST = 128
"""Beyond every distance of a mate in eight bits."""


def rivals(
    problems: pl.DataFrame, examined: pl.DataFrame, rng: np.random.Generator, nodes: int
) -> dict[str, pl.DataFrame]:
    """The `answer` of each rival to every problem, with `scores` of the legal moves but for Stockfish.

    The teacher plays by the labels of `problems`, which students have learnt from; it is left out where
    `examined`, whose labels answers are held against, has the same ones.
    """
    found = {
        "random mover": random_mover(problems, rng),
        f"Stockfish, {nodes} nodes": stockfish(problems, nodes),
    }
    labels = ["centipawns", "mates"]
    if set(labels) <= set(problems.columns) and not problems.select(labels).equals(examined.select(labels)):
        found["teacher"] = teacher(problems)
    return found


def random_mover(problems: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Uniform scores of the legal moves, and the best of them."""
    return _best(problems, rng.random(row_offsets(problems["moves"])[-1]))


def stockfish(problems: pl.DataFrame, nodes: int) -> pl.DataFrame:
    """The first choice of one search; as the teacher's, it does not know what was played before."""
    found = choices([f"fen {fen}" for fen in problems["fen"]], nodes, 1)
    return _answers(np.asarray([best.action for best, *_ in found], np.uint16))


def teacher(problems: pl.DataFrame) -> pl.DataFrame:
    """Win probabilities, with every distance of a mate a value of its own beyond them."""
    labels = Labels.of(problems)
    beyond = np.sign(labels.mates) * (FURTHEST - np.abs(labels.mates))
    answers = _best(problems, labels.strict)
    scores = lists((labels.probabilities + beyond).astype(np.float32), labels.offsets)
    return answers.with_columns(scores=scores)


def _best(problems: pl.DataFrame, scores: NDArray[np.float64]) -> pl.DataFrame:
    offsets = row_offsets(problems["moves"])
    actions = flat(problems["moves"], np.uint16)[first_maxima(scores, offsets)]
    return _answers(actions).with_columns(scores=lists(scores.astype(np.float32), offsets))


def _answers(actions: NDArray[np.uint16]) -> pl.DataFrame:
    return pl.DataFrame({"answer": words(actions, np.arange(len(actions) + 1), ACTIONS)})
