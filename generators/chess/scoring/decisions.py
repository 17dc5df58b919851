"""What is scored to decide, the score of every legal move that this gives, and the move that is played."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.chess.alphabet import ACTIONS, VALUE_NOTATIONS
from generators.chess.board import fens
from generators.chess.notations import offers
from generators.chess.ragged import first_maxima, flat, lists, row_offsets
from generators.chess.scoring.children import candidates_of_children, endings
from generators.chess.scoring.repetitions import repetitions
from generators.chess.scoring.values import DRAW, flipped, probability
from generators.words import words


def candidates(rows: pl.DataFrame, notation: str) -> pl.DataFrame:
    """What to score: `row` (the place in `rows`), `prompt`, and its `candidates`, lists of words.

    Each position has a candidate for every legal move. For `state-value` each child that is still in play
    (`candidates_of_children`) is a prompt with one empty candidate, and a row may have none.
    """
    if notation == "state-value":
        children = candidates_of_children(rows)
        of = np.repeat(np.arange(len(rows)), np.diff(row_offsets(children)))
        positions = fens.tokens(children.explode(empty_as_null=False, keep_nulls=False))
        offered = offers.nothing(len(of), notation)
    else:
        of, positions = np.arange(len(rows)), fens.tokens(rows["fen"])
        offered = offers.moves(rows, positions, notation)
    return pl.DataFrame([pl.Series("row", of), offers.prompts(positions, notation), offered])


def decide(rows: pl.DataFrame, scores: pl.Series, notation: str, classes: int) -> pl.DataFrame:
    """The `answer` that scores lead to: the legal move of the highest one, the smaller action among equals.

    `rows` have `fen`, `moves` and `history`; `scores` are what `final_scores` takes, and what it gives stands
    beside the answer. The answer is a list of one word over the actions.
    """
    final = final_scores(rows, scores, notation, classes)
    # Moves are in ascending order, so the first of equals is the smallest action.
    actions = flat(rows["moves"], np.uint16)[first_maxima(flat(final, np.float64), row_offsets(final))]
    return pl.DataFrame({"answer": words(actions, np.arange(len(rows) + 1), ACTIONS), "scores": final})


def final_scores(rows: pl.DataFrame, scores: pl.Series, notation: str, classes: int) -> pl.Series:
    """One score for each legal move (`List(Float32)`, in the order of `moves`), as its mover sees it.

    `scores` has a list a row: a value of every legal move for action values, of every child of
    `candidates_of_children` as the child's mover sees it for `state-value`, and the log probability of every
    legal move's word for the others. Values count a repetition as a draw; log probabilities stay as they are.
    """
    offsets = row_offsets(rows["moves"])
    given = flat(scores, np.float32)
    entries = _of_moves(rows, given, classes) if notation == "state-value" else given
    if len(entries) != offsets[-1]:
        raise ValueError(f"{notation} has a score for each of {offsets[-1]} legal moves, got {len(entries)}")
    if notation in VALUE_NOTATIONS:
        entries = np.where(repetitions(rows), np.float32(DRAW), entries)
    return lists(entries, offsets, "scores")


def sampled(
    scores: NDArray[np.floating], temperature: float, rng: np.random.Generator, *, logarithmic: bool = False
) -> int:
    """The place of a move drawn by the softmax of its win probability over `temperature`.

    The paper's agents on Lichess draw their first five moves so, at 0.005. `logarithmic` scores, the log
    probabilities of behavioral cloning, stand in for win probabilities as they are (so in searchless_chess).
    """
    worth = np.asarray(scores if logarithmic else probability(scores), np.float64)
    odds = np.exp((worth - worth.max()) / temperature)
    return int(rng.choice(len(odds), p=odds / odds.sum()))


def _of_moves(rows: pl.DataFrame, children: NDArray[np.float32], classes: int) -> NDArray[np.float32]:
    """What is known by rule, with the flipped scores of the other children in between."""
    entries = endings(rows, classes)
    in_play = np.isnan(entries)
    if in_play.sum() != len(children):
        raise ValueError(
            f"state-value scores the {in_play.sum()} children in play, got {len(children)} scores"
        )
    entries[in_play] = flipped(children)
    return entries
