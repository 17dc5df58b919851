"""A trained student at the board: what it thinks of every legal move, and the one that it plays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import chess
import numpy as np
import polars as pl

from generators.chess.board import rules
from pipeline.errors import Refusal
from pipeline.play.scores import Scale
from pipeline.rollouts import Student

GAME = "play"
"""The key of the games that are played here; no data set is made of them."""


class Rater(Protocol):
    """Whatever scores the legal moves of positions: `pipeline.rollouts.Student` is one."""

    def ratings(self, problems: pl.DataFrame) -> pl.Series:
        """Rows of scores, one of each legal move in the order of the column `moves`; higher is better."""


@dataclass(frozen=True)
class Rated:
    """A legal move and the student's score of it."""

    move: chess.Move
    score: float


@dataclass(frozen=True)
class Player:
    """A student that plays; `name` says which, exactly."""

    rater: Rater
    name: str
    scale: Scale

    @classmethod
    def of(cls, checkpoint: Path) -> Player:
        """The student of a checkpoint; its weights are loaded with its first move.

        Raises Refusal where the folder holds no checkpoint, or one of another domain.
        """
        student = Student(checkpoint)
        vocabulary = student.vocabulary
        if vocabulary.domain.name != "chess":
            raise Refusal(
                f"{checkpoint} answers {vocabulary.domain.name} and plays no chess; name a checkpoint that does"
            )
        name = f"{vocabulary.notation} {student.hash[:16]}"
        return cls(student, name, Scale(vocabulary.buckets, vocabulary.outer))

    def warm_up(self) -> None:
        """Load the weights and compile what is compiled at the first move."""
        self.rated(chess.Board())

    def rated(self, board: chess.Board) -> list[Rated]:
        """The legal moves of a position that has some, the best first; among equals the smaller action."""
        problem = rules.frame([board], [GAME])
        scores = self.rater.ratings(problem)[0].to_list()
        actions = problem["moves"][0].to_list()
        # A score that is no number ranks last: better a bad move than none.
        known = [-math.inf if math.isnan(score) else score for score in scores]
        rated = [Rated(rules.move(at), score) for at, score in zip(actions, known, strict=True)]
        return sorted(rated, key=lambda each: -each.score)

    def move(self, board: chess.Board, game: int, rng: np.random.Generator) -> chess.Move:  # noqa: ARG002
        """The best move; a side of a match has no chance in it."""
        return self.rated(board)[0].move

    def close(self) -> None:
        """Nothing runs for it."""


def drawn(rated: Sequence[Rated], temperature: float, rng: np.random.Generator) -> Rated:
    """One of the moves by the softmax of score / temperature (arXiv 2402.04494 played with 0.005).

    `rated` has the best first; at temperature 0 that one is it.
    """
    if temperature == 0 or math.isinf(rated[0].score):
        return rated[0]
    scores = np.array([each.score for each in rated])
    weights = np.exp((scores - scores[0]) / temperature)
    return rated[int(rng.choice(len(rated), p=weights / weights.sum()))]
